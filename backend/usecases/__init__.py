"""One file for each thing people do; imports the domain and the ports only."""
