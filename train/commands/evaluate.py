"""`evaluate`: score a model on labelled films."""

import argparse
import json
from pathlib import Path
from typing import Any

from train.commands.options import DATA_HELP, NORMAL_HELP

HELP = "score a .keras model or a .tflite bundle on any labelled films; compare two"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.set_defaults(parser=parser)
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a .keras file in its run folder, or a bundle")
    add("--data", action="append", metavar="DIR", help=f"{DATA_HELP}; once per hospital")
    add("--manifest", type=Path, metavar="FILE", help="score only the films of one part of this split")
    add("--part", choices=("validation", "test"), help="of --manifest (default: validation)")
    add("--operating-point", metavar="NAME", help="a threshold of the model; its default otherwise")
    add("--normal", "--negative", dest="negative", default="", metavar="CLASS", help=f"{NORMAL_HELP} the model's)")
    add("--against", type=Path, metavar="MODEL", help="another model, to compare on the same films")
    add("--out", type=Path, metavar="DIR", help="write predictions.csv and report.html there")
    add("--overwrite", action="store_true", help="replace what --out holds")
    add("--thumbnails", action="store_true", help="show the films most wrong in the report")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Score and print. Exit code 0; every failure is raised."""
    if args.part and not args.manifest:
        args.parser.error("--part needs --manifest, the split whose part it is")
    args.part = args.part or "validation"
    from train.evaluation.evaluate import EvaluateOptions, evaluate

    names = EvaluateOptions.__dataclass_fields__
    figures = evaluate(EvaluateOptions(**{name: value for name, value in vars(args).items() if name in names}))
    print(json.dumps(figures) if args.json else _table(figures) + (f"\nwritten to {args.out}" if args.out else ""))
    return 0


def _table(figures: dict[str, Any]) -> str:
    """Each figure with its 95% interval, as text."""
    lines = [f"{figures['model']} on {figures['films']} films: {figures['films_of']}"]
    for name, value in figures.items():
        if isinstance(value, dict) and "value" in value:
            lines.append(f"  {name:18} {_interval(value)}")
        elif isinstance(value, float):
            lines.append(f"  {name:18} {value:.4f}")
    for kind in ("by_class", "by_site", "by_age"):
        for name, found in figures[kind].items():
            words = "  ".join(f"{key} {value['value']:.4f}" for key, value in found.items() if isinstance(value, dict))
            lines.append(f"  {kind.replace('_', ' ')} {name:12} {found['films']} films: {words}")
    if against := figures.get("against"):
        lines.append(
            f"  AUC minus that of {against['model']}: {_interval(against['auc_difference'])}, "
            f"p {against['delong_p']:.3f}; right alone {against['only_first_right']}, the other alone "
            f"{against['only_second_right']}, McNemar p {against['mcnemar_p']:.3f}"
        )
    for kind in ("left_out", "refused_by_device"):
        lines += [f"  {kind.replace('_', ' ')}: {code} {count}" for code, count in figures[kind].items()]
    return "\n".join(lines)


def _interval(value: dict[str, float]) -> str:
    return f"{value['value']:.4f}  (95% interval {value['low']:.4f} to {value['high']:.4f})"
