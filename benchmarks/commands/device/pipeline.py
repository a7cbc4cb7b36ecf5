"""`pipeline`: from a film's file to its prediction, split by step."""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_model, add_result_options, measure_and_publish

HELP = "time the path from file to answer for JPEG, 16-bit PNG and DICOM of 512 to 3000 px"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    add_model(parser)
    parser.add_argument("--films", type=Path, metavar="DIR", help="also compare reduced with full decoding on these")
    parser.add_argument("--side", type=int, action="append", metavar="PX", help="512, 1024, 2048 and 3000 by default")
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish. Exit code 0 if any film got an answer, else 1."""
    from benchmarks.device import pipeline

    rounds = pipeline.QUICK_ROUNDS if args.quick else pipeline.ROUNDS
    sides_px = tuple(args.side or pipeline.SIDES_PX)
    return measure_and_publish(args, pipeline, pipeline.PipelineOptions(args.model, args.films, sides_px, rounds))
