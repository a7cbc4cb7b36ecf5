"""`kiosk`: load on a kiosk."""

import argparse

from benchmarks.commands.options import add_result_options, measure_and_publish

HELP = "load a kiosk with several clients: latency, errors, memory"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 8], metavar="N", help="default: 1 2 8")
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish. Exit code 0 if every film got its answer, else 1."""
    from benchmarks.device import kiosk

    seconds = kiosk.QUICK_SECONDS if args.quick else kiosk.SECONDS
    return measure_and_publish(args, kiosk, kiosk.KioskOptions(tuple(args.clients), seconds))
