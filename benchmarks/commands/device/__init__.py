"""The commands that measure this machine, one for each benchmark in `benchmarks.device`."""
