"""Labels of bins as pictures and sheets."""
