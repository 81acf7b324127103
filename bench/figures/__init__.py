"""One file an idea; each figure is measured on real parts."""
