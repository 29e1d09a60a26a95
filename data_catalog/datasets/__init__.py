"""The shipped dataset files, and the variables that a dataset file may declare."""
