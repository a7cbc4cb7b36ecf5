"""`fit`: train one model."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from train.commands.purpose import add_purpose_arguments, purpose_of

SHOWN = ("auc", "accuracy", "recall", "specificity")
HELP = "train one float model; writes model, manifest, history, plots and metrics"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--arch", default="compact", help="the network, or FILE.py:NAME (default: %(default)s)")
    parser.add_argument(
        "--data",
        action="append",
        metavar="DIR",
        help="films, or 'phantom'; give it once per hospital (default: data/chest_xray, then $CXR_DATA)",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/fit"), metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--epochs",
        type=int,
        default=0,
        metavar="N",
        help="maximum number of epochs (default: the network's own, phantoms 25)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of weights, batches and augmentation")
    parser.add_argument("--binary", action="store_true", help="merge the classes of pneumonia into one")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="file to start from, made by train weights")
    parser.add_argument(
        "--split",
        default="auto",
        metavar="RULE",
        help="auto, random, acquisition-order, k-fold, pooled-70-15-15, official, leave-one-source-out (default: auto)",
    )
    parser.add_argument("--fold", type=int, default=0, metavar="N", help="with k-fold: 0 to 4 (default: %(default)s)")
    parser.add_argument("--held-out", default="", metavar="NAME", help="with leave-one-source-out: the folder's name")
    parser.add_argument(
        "--normal",
        "--negative",
        dest="negative",
        default="",
        metavar="CLASS",
        help="the class without the finding (default: the one whose name says so)",
    )
    parser.add_argument(
        "--patients",
        default="",
        metavar="RULE",
        help="what tells the patient: file, folder or a regular expression with one group (default: guessed)",
    )
    parser.add_argument(
        "--locator",
        metavar="DIR",
        help="locator to crop films with, made by convert --locator, or 'none' (default: the one that ships)",
    )
    parser.add_argument("--init", type=Path, metavar="MODEL", help="model.keras of a finished run to continue from")
    parser.add_argument(
        "--recipe", metavar="NAME", help="name from train/training/recipe.py (default: the one that ships)"
    )
    parser.add_argument(
        "--teacher",
        nargs="+",
        type=Path,
        default=[],
        metavar="MODEL",
        help="models of finished runs, whose predictions soften the targets",
    )
    parser.add_argument("--strategy", default="single", metavar="NAME", help="single, mirrored or multiworker")
    parser.add_argument(
        "--bfloat16", action="store_true", help="multiply at half precision; fast only with hardware support"
    )
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument("--strict", action="store_true", help="refuse data with a film that cannot be read")
    parser.add_argument("--json", action="store_true", help="print the metrics as JSON")
    add_purpose_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Train and print the figures.

    Returns:
        0; every failure is raised.
    """
    from train.data.split import SplitRule
    from train.training.distribution import is_chief
    from train.training.fit import FitOptions, fit

    metrics = fit(
        FitOptions(
            out=args.out,
            data=args.data,
            arch=args.arch,
            epochs=args.epochs,
            seed=args.seed,
            split=SplitRule(name=args.split, fold=args.fold, held_out=args.held_out),
            negative=args.negative,
            patients=args.patients,
            purpose=purpose_of(args),
            locator=args.locator,
            init=args.init,
            recipe=args.recipe or FitOptions.recipe,
            teachers=tuple(args.teacher),
            resume=args.resume,
            strict=args.strict,
            strategy=args.strategy,
            bfloat16=args.bfloat16,
            weights=args.weights,
            binary=args.binary,
        )
    )
    if not is_chief(args.strategy):
        print("train: this worker has finished, and the chief writes the run", file=sys.stderr)
        return 0
    print(json.dumps(metrics) if args.json else _table(metrics) + f"\nwritten to {args.out}")
    return 0


def _table(metrics: dict[str, Any]) -> str:
    """The evaluation sets side by side, as text; a test part comes last, under its own name."""
    lines = [f"{metrics['arch']}, {metrics['parameters']:,} parameters, validation films of {metrics['data']}:"]
    lines += [_line(name, figures) for name, figures in metrics["judges"].items()]
    lines += [_line(f"at {site}", figures) for site, figures in metrics.get("sites", {}).items()]
    if "test" in metrics:
        lines += ["test films, scored once, after every choice was made:", _line("test", metrics["test"])]
    return "\n".join(lines)


def _line(title: str, figures: dict[str, Any]) -> str:
    values = "  ".join(f"{name} {figures[name]['value']:.4f}" for name in SHOWN)
    return f"  {title:14} {values}  (threshold {figures['threshold']:.3f}, {figures['films']} films)"
