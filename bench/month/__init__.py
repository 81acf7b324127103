"""A believable month of one district with named frauds hidden in it; knows nothing of the radar."""
