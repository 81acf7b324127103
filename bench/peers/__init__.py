"""What others would write to have the same rows, run on the same chain."""
