"""One module a command: `NAME`, `HELP`, `add_arguments(parser)` and `run(args) -> exit code`.

Nothing heavy is imported at the top of a command's module: `--help` must stay quick on a Pi Zero.
"""
