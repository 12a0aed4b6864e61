"""The commands of `lab`, a file for each."""
