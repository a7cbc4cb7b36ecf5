"""`coldstart`: from the start of a process to its first prediction."""

import argparse

from benchmarks.commands.options import add_model, add_result_options, measure_and_publish

HELP = "time a process from its start to its first answer, with and without gradio"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    add_model(parser)
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish. Exit code 0 if `predict` gave an answer, else 1."""
    from benchmarks.device import coldstart

    rounds = coldstart.QUICK_ROUNDS if args.quick else coldstart.ROUNDS
    return measure_and_publish(args, coldstart, coldstart.ColdStartOptions(args.model, rounds))
