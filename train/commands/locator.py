"""`locator`: train the network that finds the lungs."""

import argparse
import json
from pathlib import Path
from typing import Any

from train.commands.options import add_result_folder, result_folder, whole

DEFAULT = Path("runs/locator")
HELP = "train the network that finds the lungs on a film; writes model, history and figures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--data", metavar="DIR", help="films (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument("--masks", type=Path, required=True, metavar="DIR", help="masks, named as the films are")
    add_result_folder(parser, DEFAULT)
    parser.add_argument("--steps", type=whole(1), default=24000, metavar="N", help="batches (default: %(default)s)")
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="seed of weights and drawn films")
    parser.add_argument("--size", type=whole(32), default=96, metavar="PX", help="of the input (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Train and print the figures.

    Returns:
        0; every failure is raised.
    """
    out = result_folder(args.out, DEFAULT, args.overwrite)
    from train.training.locator import LocatorOptions, train_locator

    options = LocatorOptions(out, args.data, args.masks, args.steps, args.seed, args.size, overwrite=args.overwrite)
    figures = train_locator(options)
    print(json.dumps(figures) if args.json else _table(figures) + f"\nwritten to {out}")
    return 0


def _table(figures: dict[str, Any]) -> str:
    """The figures of the float model, for people."""
    found = figures["float"]["all_films"]
    lines = [
        f"locator, {figures['parameters']:,} parameters, {figures['held_out_films']} held-out films with masks:",
        _line("masks", figures["float"]["masks"]),
    ]
    for kind in ("reframed", "painted"):
        lines += [_line(name, row) for name, row in figures["float"][kind].items()]
    lines += [f"  {kind:26} no field on {share:.1%}" for kind, share in figures["float"]["no_lungs"].items()]
    lines.append(f"  a lung field on {found['found']} of {found['films']} films")
    return "\n".join(lines)


def _line(name: str, row: dict[str, float]) -> str:
    shown = ("dice_full_size", "iou_median", "iou_5th_percentile", "share_at_least_85")
    return f"  {name:26} " + "  ".join(f"{key} {row[key]:.4f}" for key in shown if key in row)
