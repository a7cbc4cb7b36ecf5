"""Options that several commands share: numbers in their ranges, names of registries, and the result folder."""

import argparse
import ast
import logging
import math
from collections.abc import Callable
from pathlib import Path

from edge_app.system.result_folder import claim, free_folder

LOG = logging.getLogger(__name__)
KIT = Path(__file__).parents[2]
DATA_HELP = "films, or 'phantom' (default: data/chest_xray, then $CXR_DATA)"
NORMAL_HELP = "the class without the finding (default:"


def whole(low: int) -> Callable[[str], int]:
    """An argument type: a whole number of at least `low`."""

    def number(word: str) -> int:
        if not word.removeprefix("-").isdecimal() or int(word) < low:
            raise argparse.ArgumentTypeError(f"{word!r} is not a whole number of at least {low}")
        return int(word)

    return number


def real(low: float = -math.inf, high: float = math.inf) -> Callable[[str], float]:
    """An argument type: a finite number from `low` to `high`."""

    def number(word: str) -> float:
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high):
            wanted = "a number" if math.isinf(low) else f"a number from {low:g}" + f" to {high:g}" * math.isfinite(high)
            raise argparse.ArgumentTypeError(f"{word!r} is not {wanted}")
        return value

    return number


def registered(file: str, registry: str) -> str:
    """The names that a registry lists, read from its source: `--help` does without TensorFlow.

    Args:
        file: pattern of the modules, relative to the repository.
    """
    names: list[str] = []
    for path in sorted(KIT.glob(file)):
        constants: dict[str, str] = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.Assign):
                continue
            targets = [target for each in node.targets for target in getattr(each, "elts", [each])]
            parts = getattr(node.value, "keys", None) or getattr(node.value, "elts", [node.value])
            values = [constants.get(getattr(part, "id", ""), getattr(part, "value", "")) for part in parts]
            constants |= {target.id: value for target, value in zip(targets, values, strict=False)}
            names += values if registry in [target.id for target in targets] else []
    return ", ".join(names)


def add_result_folder(parser: argparse.ArgumentParser, default: Path) -> None:
    """`--out` and `--overwrite`; see `result_folder`."""
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help=f"new or empty folder (default: {default}, or its next free number)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what --out holds")


def result_folder(out: Path | None, default: Path, overwrite: bool = False) -> Path:
    """The folder for the results, which can be written to.

    Raises:
        DataError: `out` holds something, and `overwrite` is not set.
        OSError: it cannot be written to.
    """
    folder = out or (default if overwrite else free_folder(default))
    if not out and folder != default:
        LOG.info("%s holds files already: this goes to %s", default, folder)
    claim(folder, overwrite)
    return folder
