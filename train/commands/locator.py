"""`locator`: train the network that finds the lungs."""

import argparse
import json
from pathlib import Path
from typing import Any

HELP = "train the network that finds the lungs on a film; writes model, history and figures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--data", metavar="DIR", help="films (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument(
        "--masks", type=Path, required=True, metavar="DIR", help="lung masks under the folders and names of the films"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/locator"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=8000, metavar="N", help="number of batches (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of weights and drawn films")
    parser.add_argument("--size", type=int, default=96, metavar="PX", help="side of the input (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace a finished run")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Train and print the figures.

    Returns:
        0; every failure is raised.
    """
    from train.training.locator import LocatorOptions, train_locator

    figures = train_locator(
        LocatorOptions(
            out=args.out,
            data=args.data,
            masks=args.masks,
            steps=args.steps,
            seed=args.seed,
            input_size_px=args.size,
            overwrite=args.overwrite,
        )
    )
    print(json.dumps(figures) if args.json else _table(figures) + f"\nwritten to {args.out}")
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
