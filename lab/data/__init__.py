"""The data of the lessons: tables, a database, deterministic rows, files to send and receive."""
