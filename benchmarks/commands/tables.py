"""`tables`: the tables in README.md and docs."""

import argparse
import logging
from pathlib import Path

HELP = "fill the tables in README.md and docs from the committed results"
LOG = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="README.md and all of docs by default")
    parser.add_argument("--results", type=Path, metavar="DIR", help="the committed ones by default")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a table is not up to date")


def run(args: argparse.Namespace) -> int:
    """Fill the tables, or check them. Exit code 0, or 1 if `--check` found a table that is not up to date."""
    from benchmarks.tables.fill import fill, marked_files
    from benchmarks.tables.model_tables import CARD_PAGE, shipped
    from benchmarks.tables.results import COMMITTED, load_results
    from edge_app.system.files import write_atomically

    results = load_results(args.results or COMMITTED)
    pages = {file: fill(file.read_text(encoding="utf-8"), results) for file in args.files or marked_files(Path())}
    if not args.files:
        pages[CARD_PAGE] = shipped().card_text
    stale = 0
    for file, filled in pages.items():
        if file.exists() and filled == file.read_text(encoding="utf-8"):
            continue
        stale += 1
        if args.check:
            LOG.error("tables in %s are not up to date: python -m benchmarks tables", file)
        else:
            write_atomically(file, filled.encode())
            print(file)
    return int(args.check and stale > 0)
