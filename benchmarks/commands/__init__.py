"""One module for each command of `python -m benchmarks`: it builds the options and prints the result."""
