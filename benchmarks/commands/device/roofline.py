"""`roofline`: operations per second against a plain int8 matrix product."""

import argparse

from benchmarks.commands.options import add_model, add_result_options, add_twin, measure_and_publish, run_length

HELP = "int8 operations per second, against a plain int8 matrix product on the same core"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    add_model(parser)
    add_twin(parser)
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish. Exit code 0 if the bundle ran in any runtime, else 1."""
    from benchmarks.device import roofline

    return measure_and_publish(args, roofline, roofline.RooflineOptions(args.model, args.twin, run_length(args)))
