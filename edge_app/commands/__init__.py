"""One module per command: `HELP`, `add_arguments(parser)` and `run(args) -> exit code`.

A command's module imports nothing heavy at its top, so that `--help` stays quick on a Pi Zero.
"""
