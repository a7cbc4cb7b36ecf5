"""`report`: one HTML page of all results."""

import argparse
import logging

from benchmarks.commands.options import add_results_folder

HELP = "write one HTML page from the results"
LOG = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    add_results_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Write `report.html` into the folder of the results. Exit code 0 if there was any result, else 1."""
    from benchmarks.tables.report import page
    from benchmarks.tables.results import load_results
    from edge_app.system.files import write_atomically

    results = load_results(args.out)
    if not results:
        LOG.error("no results in %s: run `python -m benchmarks latency` first", args.out)
        return 1
    path = args.out / "report.html"
    write_atomically(path, page(results).encode())
    print(path)
    return 0
