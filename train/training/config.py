"""The settings of a training: a run writes them as TOML, `fit --config` and `--resume` read them."""

import json
import shlex
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from train.data.purpose import Purpose
from train.data.split import SplitRule
from train.training.plan import FitOptions

CONFIG = "config.toml"  # in a run folder, and in the checkpoint of an unfinished run
# How a training goes about its work, which changes nothing in its result.
ASIDE = ("out", "resume", "overwrite", "tensorboard", "strict", "strategy")
OPTIONS = {"input_size_px": "input-size", "teachers": "teacher", "recipe_changes": "recipe-change"}


def settings_of(options: FitOptions) -> dict[str, Any]:
    """What differs from an empty default, by the name of its option: text, numbers, true, or lists of text."""
    found: dict[str, Any] = {}
    for name, value in vars(options).items():
        if isinstance(value, SplitRule):
            found |= {"split": value.name, "fold": value.fold, "held-out": value.held_out}
        elif isinstance(value, Purpose):
            found |= {"ages": list(value.ages_years)}
            found |= {"population": value.population, "intended-use": value.intended_use}
        elif name not in ASIDE:
            several = name == "data" or isinstance(value, tuple)
            texts = [str(one) for one in ([value] if isinstance(value, str) else value or ())] if several else []
            single = str(value) if isinstance(value, Path) else value
            found[OPTIONS.get(name, name.replace("_", "-"))] = texts if several else single
    return {name: value for name, value in found.items() if value}


def config_text(options: FitOptions) -> str:
    """The settings as a TOML file, one line for each; `read_config` reads it back."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings_of(options).items()]
    return "\n".join(["# for python -m train fit --config", *lines]) + "\n"


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a TOML file.

    Raises:
        DataError: it is missing, or no TOML.
    """
    import tomllib  # from Python 3.11 on, and needed only here

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise DataError(f"{path} cannot be read as TOML: {cause}") from cause


def as_words(settings: dict[str, Any]) -> list[str]:
    """Settings as words of a command line."""
    words: list[str] = []
    for name, value in settings.items():
        if name == "data":
            words += [word for one in ([value] if isinstance(value, str) else value) for word in ("--data", str(one))]
        elif isinstance(value, list):
            words += [f"--{name}", *map(str, value)]
        elif value is not False:
            words.append(f"--{name}" if value is True else f"--{name}={value}")
    return words


def command_of(options: FitOptions) -> str:
    """The command that trains with these options."""
    return shlex.join(["python", "-m", "train", "fit", *as_words(settings_of(options)), "--out", str(options.out)])


def check_same(noted: dict[str, Any], options: FitOptions, folder: Path) -> None:
    """Refuse to continue a run with other settings; their hashes tell whether the films are the same.

    Args:
        noted: the run's settings; empty for a run of a version that did not note them.
    Raises:
        DataError: names each setting that differs.
    """
    asked = settings_of(options)
    differing = [
        f"--{name} {_shown(noted, name)} and not {_shown(asked, name)}"
        for name in sorted({*noted, *asked} - {"data"})
        if noted and noted.get(name) != asked.get(name)
    ]
    if differing:
        raise DataError(
            f"{folder} was trained with {', '.join(differing)}: give --resume the same, or leave them out; train "
            "without --resume for another run"
        )


def _shown(settings: dict[str, Any], name: str) -> str:
    value = settings.get(name, "left out")
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
