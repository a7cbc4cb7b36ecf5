"""`fit`: train one model."""

import argparse
import json
from pathlib import Path
from typing import Any

NAME = "fit"
SHOWN = ("auc", "accuracy", "recall", "specificity")
HELP = "train one float model; writes model, manifest, history, plots and metrics"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--arch", default="compact", help="which network (default: %(default)s)")
    parser.add_argument("--data", metavar="DIR", help="films, or 'phantom' (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument("--out", type=Path, default=Path("runs/fit"), metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--epochs", type=int, default=0, metavar="N", help="at most (default: the network's own, phantoms 25)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of weights, batches and augmentation")
    parser.add_argument("--binary", action="store_true", help="merge the classes of pneumonia into one")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="to start from, made by train weights")
    parser.add_argument("--split", default="random", metavar="RULE", help="random, acquisition-order or k-fold")
    parser.add_argument("--fold", type=int, default=0, metavar="N", help="of k-fold: 0 to 4 (default: %(default)s)")
    parser.add_argument("--recipe", default="shipped", metavar="NAME", help="of train/recipe.py (default: %(default)s)")
    parser.add_argument(
        "--teacher",
        nargs="+",
        type=Path,
        default=[],
        metavar="MODEL",
        help="finished runs' models whose answers soften the labels",
    )
    parser.add_argument("--resume", action="store_true", help="go on with a run that was interrupted")
    parser.add_argument("--strict", action="store_true", help="refuse data with a film that cannot be read")
    parser.add_argument("--json", action="store_true", help="print the metrics as JSON")


def run(args: argparse.Namespace) -> int:
    """Train and print the figures.

    Returns:
        0; every failure is raised.
    """
    from train.fit import FitOptions, fit
    from train.split import SplitRule

    metrics = fit(
        FitOptions(
            out=args.out,
            data=args.data,
            arch=args.arch,
            epochs=args.epochs,
            seed=args.seed,
            split=SplitRule(name=args.split, fold=args.fold),
            recipe=args.recipe,
            teachers=tuple(args.teacher),
            resume=args.resume,
            strict=args.strict,
            weights=args.weights,
            binary=args.binary,
        )
    )
    print(json.dumps(metrics) if args.json else _table(metrics) + f"\nwritten to {args.out}")
    return 0


def _table(metrics: dict[str, Any]) -> str:
    """The judges side by side, for people."""
    lines = [f"{metrics['arch']}, {metrics['parameters']:,} parameters, validation films of {metrics['data']}:"]
    for judge, figures in metrics["judges"].items():
        values = "  ".join(f"{name} {figures[name]['value']:.4f}" for name in SHOWN)
        lines.append(f"  {judge:14} {values}  (threshold {figures['threshold']:.3f})")
    return "\n".join(lines)
