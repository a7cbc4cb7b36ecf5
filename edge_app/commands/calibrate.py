"""`calibrate`: chooses a site's own threshold from its confirmed cases."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

HELP = "choose a site's own threshold from its confirmed cases"
SHOWN = range(5, 100, 5)  # thresholds of the table, in hundredths


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("csv", type=Path, metavar="CSV", help="an export of the record")
    parser.add_argument(
        "--sensitivity",
        type=_share,
        default=0.95,
        metavar="SHARE",
        help="the lowest acceptable sensitivity, over 0 and up to 1 (default: %(default)s)",
    )
    parser.add_argument("--use", action="store_true", help="make the chosen threshold this device's default")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="as for serve")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the table and the chosen threshold; save it if asked.

    Returns:
        0; failures are raised.
    """
    from edge_app.reading.site_threshold import MIN_CASES, choose_threshold, line_at, read_cases, save_site_threshold
    from edge_app.system.home import data_home

    cases, left_out, model_sha256 = read_cases(args.csv)
    chosen = choose_threshold(cases, args.sensitivity)
    lines = [line_at(cases, percent / 100) for percent in SHOWN]
    if args.json:
        values = {"cases": len(cases), "left_out": left_out, "model_sha256": model_sha256}
        values |= {"chosen": asdict(chosen), "thresholds": [asdict(line) for line in lines]}
        print(json.dumps(values))
    else:
        print(_table([*lines, chosen]))
        print(f"\n{len(cases)} confirmed cases, {left_out} rows left out. Chosen: {chosen.threshold:.2f}")
    if chosen.sensitivity is None or chosen.sensitivity.value < args.sensitivity:
        print(f"edge_app: no threshold keeps a sensitivity of {args.sensitivity}", file=sys.stderr)
    if len(cases) < MIN_CASES:
        print(
            f"edge_app: {len(cases)} cases are too few to trust: collect {MIN_CASES} or more, "
            "read without seeing the model's answer",
            file=sys.stderr,
        )
    if args.use:
        path = save_site_threshold(data_home(args.data_dir), chosen, model_sha256, len(cases))
        print(f"edge_app: {path} is used from the next start", file=sys.stderr)
    return 0


def _table(lines: list[Any]) -> str:
    heading = f"{'threshold':>9} {'TP':>5} {'FP':>5} {'FN':>5} {'TN':>5}  " + "  ".join(
        f"{name:<23}" for name in ("sensitivity", "specificity", "PPV", "NPV")
    )
    return "\n".join([heading.rstrip(), *(_row(line) for line in lines)])


def _row(line: Any) -> str:
    shares = (line.sensitivity, line.specificity, line.ppv, line.npv)
    words = "  ".join(f"{share.percent() if share else '-':<23}" for share in shares)
    return f"{line.threshold:>9.2f} {line.tp:>5} {line.fp:>5} {line.fn:>5} {line.tn:>5}  {words}".rstrip()


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not over 0 and up to 1")
    return value
