"""`evaluate`: score a model on labelled films."""

import argparse
import json
from pathlib import Path
from typing import Any

HELP = "score a .keras model or a .tflite bundle on labelled films"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .keras file in its run folder, or a bundle")
    parser.add_argument(
        "--data",
        action="append",
        metavar="DIR",
        help="films, or 'phantom'; give it once per hospital (default: data/chest_xray, then $CXR_DATA)",
    )
    parser.add_argument("--manifest", type=Path, metavar="FILE", help="score only the films of one part of this split")
    parser.add_argument("--part", choices=("validation", "test"), default="validation", help="default: %(default)s")
    parser.add_argument("--operating-point", metavar="NAME", help="a threshold of the model; its default otherwise")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Score and print.

    Returns:
        0; every failure is raised.
    """
    from train.evaluation.evaluate import EvaluateOptions, evaluate

    figures = evaluate(EvaluateOptions(args.model, args.data, args.manifest, args.part, args.operating_point))
    print(json.dumps(figures) if args.json else _table(figures))
    return 0


def _table(figures: dict[str, Any]) -> str:
    """Each figure with its 95% interval, as text."""
    lines = [f"{figures['model']} on {figures['films']} films: {figures['films_of']}"]
    for name, value in figures.items():
        if isinstance(value, dict) and "value" in value:
            lines.append(f"  {name:18} {value['value']:.4f}  (95% interval {value['low']:.4f} to {value['high']:.4f})")
        elif isinstance(value, float):
            lines.append(f"  {name:18} {value:.4f}")
    lines += [
        f"  recall {label:11} {value['value']:.4f}  (95% interval {value['low']:.4f} to {value['high']:.4f})"
        for label, value in figures["class_recall"].items()
    ]
    return "\n".join(lines)
