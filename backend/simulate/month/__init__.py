"""A believable month of one district with named frauds hidden in it; shares nothing with the radar."""
