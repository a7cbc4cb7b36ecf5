"""Benchmarks: what the kit and its alternatives cost on this machine, and what its models are worth.

`benchmarks.device` measures speed and memory: candidates run in turns, each in a process of its own, so
that a machine that slows down slows all of them and a ratio of two stays fair. `benchmarks.studies`
trains, converts and compares models.
"""
