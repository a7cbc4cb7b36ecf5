"""`fit`: train one model."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.system.result_folder import newest_folder
from train.commands.options import DATA_HELP, NORMAL_HELP, add_result_folder, real, registered, result_folder, whole
from train.commands.purpose import add_purpose_arguments, purpose_of

SHOWN = ("auc", "accuracy", "recall", "specificity")
HELP = "train one float model; writes model, manifest, history, predictions, report, plots and metrics"
DEFAULT = Path("runs/fit")
NOT_IN_CONFIG = ("out", "overwrite", "resume", "config", "json")
RULE = {"split": "name", "fold": "fold", "held_out": "held_out"}  # options to fields of SplitRule


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments. What is not given is not in the namespace, so that --config and --resume see it."""
    parser.argument_default = argparse.SUPPRESS
    parser.set_defaults(parser=parser)
    networks, recipes = registered("train/networks/*.py", "NETWORKS"), registered("train/training/recipe.py", "RECIPES")
    splits = registered("train/data/split.py", "SPLITS")
    add = parser.add_argument
    add("--arch", metavar="NETWORK", help=f"one of {networks}, or FILE.py:NAME (default: compact)")
    add("--data", action="append", metavar="DIR", help=f"{DATA_HELP}; once per hospital")
    add_result_folder(parser, DEFAULT)
    add("--config", type=Path, metavar="TOML", help="options from a file, such as a run's config.toml")
    add("--epochs", type=whole(1), metavar="N", help="at most (default: the network's own, phantoms 25)")
    add("--batch-size", type=whole(1), metavar="N", help="films per step (default: the network's own)")
    add("--learning-rate", type=real(1e-9, 10), metavar="X", help="default: the network's own")
    add("--patience", type=whole(1), metavar="N", help="epochs without a better AUC (default: 30)")
    add("--input-size", type=whole(32), dest="input_size_px", metavar="PX", help="side (default: the network's own)")
    add("--stages", nargs="+", metavar="C,I,B", help="depth and width of a compact network, as train tune finds them")
    add("--seed", type=whole(0), metavar="N", help="of weights, batches and augmentation (default: 0)")
    add("--binary", action="store_true", help="merge the classes of pneumonia into one")
    add("--weights", type=Path, metavar="FILE", help="file to start from, made by train weights")
    add("--split", metavar="RULE", help=f"one of {splits} (default: auto)")
    add("--fold", type=whole(0), metavar="N", help="with k-fold: 0 to 4 (default: 0)")
    add("--held-out", metavar="NAME", help="with leave-one-source-out: the folder's name")
    add("--normal", "--negative", dest="negative", metavar="CLASS", help=f"{NORMAL_HELP} the one whose name says so)")
    add("--patients", metavar="RULE", help="file, folder or a regular expression with one group (default: guessed)")
    add("--locator", metavar="DIR", help="made by convert --locator, or 'none' (default: the one that ships)")
    add("--init", type=Path, metavar="MODEL", help="model.keras of a finished run to continue from")
    add("--recipe", metavar="NAME", help=f"one of {recipes} (default: the one that ships)")
    add("--recipe-change", nargs="+", dest="recipe_changes", metavar="NAME=VALUE", help="as in mixup=0.2")
    add("--teacher", nargs="+", type=Path, dest="teachers", metavar="MODEL", help="runs that soften the targets")
    add("--strategy", choices=("single", "mirrored", "multiworker"), help="default: single")
    add("--bfloat16", action="store_true", help="multiply at half precision; fast only with hardware support")
    add("--resume", action="store_true", help="continue a run with its own options (default: the newest)")
    add("--strict", action="store_true", help="refuse data with a film that cannot be read")
    add("--tensorboard", type=Path, metavar="DIR", help="also write figures for TensorBoard")
    add("--json", action="store_true", help="print the metrics as JSON")
    add_purpose_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Train and print the figures.

    Returns:
        0; every failure is raised.
    """
    given = vars(args)
    parser = given.pop("parser")
    out = given.pop("out", None)
    if given.get("resume"):
        out = out or newest_folder(DEFAULT)
    elif given.get("strategy") != "multiworker":  # there the chief alone writes, and only TF_CONFIG tells who that is
        out = result_folder(out, DEFAULT, given.get("overwrite", False))
    from train.training.distribution import is_chief
    from train.training.fit import fit

    options = _options(parser, given, out or DEFAULT)
    metrics = fit(options)
    if not is_chief(options.strategy):
        print("train: this worker has finished, and the chief writes the run", file=sys.stderr)
        return 0
    print(json.dumps(metrics) if "json" in given else f"{_table(metrics)}\nwritten to {options.out}")
    return 0


def _options(parser: argparse.ArgumentParser, given: dict[str, Any], out: Path) -> Any:
    """FitOptions of what was given here, before what a config file or the run to resume says."""
    from train.data.split import AUTO, K_FOLD, LEAVE_ONE_SOURCE_OUT, SPLITS, SplitRule
    from train.networks import find_architecture
    from train.training.config import as_words, read_config
    from train.training.fit import noted_settings
    from train.training.plan import FitOptions
    from train.training.recipe import find_recipe

    config = noted_settings(out) if given.get("resume") else read_config(given["config"]) if "config" in given else {}
    read = vars(parser.parse_args(as_words(config)))
    if wrong := [name for name in NOT_IN_CONFIG if name in read]:
        parser.error(f"{given['config']} cannot set {', '.join(wrong)}: give it on the command line")
    values = read | given
    for option, needed in (("fold", K_FOLD), ("held_out", LEAVE_ONE_SOURCE_OUT)):
        if option in values and values.get("split") != needed:
            parser.error(f"--{option.replace('_', '-')} goes with --split {needed}")
    rule = SplitRule(**{"name": AUTO} | {field: values[name] for name, field in RULE.items() if name in values})
    known = {name: values[name] for name in FitOptions.__dataclass_fields__ if name in values and name not in RULE}
    lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list) and name != "data"}
    options = FitOptions(out=out, split=rule, purpose=purpose_of(values), **known | lists)
    try:
        find_architecture(options.arch)
        find_recipe(options.recipe)
        if rule.name not in SPLITS:
            raise DataError(f"there is no split {rule.name!r}; there are {', '.join(SPLITS)}")
    except DataError as error:
        parser.error(str(error))
    return options


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
    return f"  {title:16} {values}  (threshold {figures['threshold']:.3f}, {figures['films']} films)"
