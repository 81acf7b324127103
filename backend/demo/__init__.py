"""A city to show: data files and their loader."""
