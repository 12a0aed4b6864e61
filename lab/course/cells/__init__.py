"""The calls of a notebook: predict, measure, trap, exercise, quiz, live."""
