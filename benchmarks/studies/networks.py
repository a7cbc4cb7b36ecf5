"""Networks side by side, each over several seeds: float and int8 figures, cost, and spread over seeds."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.studies.network_latency import latencies
from benchmarks.studies.network_tables import CLAIMS, comparison_page, figures_over_seeds
from benchmarks.studies.quantized import Quantized, quantized
from benchmarks.studies.runs import command_line, finished_run
from edge_app.errors import BundleError, DataError
from edge_app.system.files import write_atomically
from train.data.locator_files import SHIPPED, WHOLE_FILM
from train.data.split import SplitRule, read_manifest
from train.evaluation.paired import Pair, paired_tests
from train.evaluation.plots import write_roc_and_calibration
from train.evaluation.predictions import Predictions, predictions_of
from train.evaluation.run import RUN
from train.networks import Architecture, find_architecture
from train.training.fit import FitOptions
from train.training.recipe import find_recipe

LOG = logging.getLogger(__name__)
REFERENCE = "compact"
Quantize = Callable[[Path, Architecture, str | None], Quantized]


@dataclass(frozen=True)
class CompareOptions:
    """Options of `benchmarks networks`."""

    out: Path  # folder for the runs and the tables
    archs: tuple[str, ...] = ("compact",)  # names from `train.networks.ARCHITECTURES`
    seeds: tuple[int, ...] = (0, 1, 2)
    seeds_of: dict[str, tuple[int, ...]] = field(default_factory=dict)  # other seeds, by name as in the table
    data: str | None = None  # None as for `train fit`
    epochs: int = 0  # at most, of every network; 0 for each one's own
    split: SplitRule = field(default_factory=SplitRule)
    binary: bool = False  # each network once more with two classes
    weights: dict[str, Path] = field(default_factory=dict)  # by network: what it starts from
    recipe_of: dict[str, str] = field(default_factory=dict)  # by network, if it is not the one that ships
    bfloat16: tuple[str, ...] = ()  # networks to train at half precision
    whole_film: bool = False  # `compact` once more, on whole films
    teachers: tuple[Path, ...] = ()  # of `compact`: float models of finished runs

    def seeds_for(self, network: str) -> tuple[int, ...]:
        """Of a network, `ARCH`, `ARCH-binary` or `compact-whole-film`."""
        return self.seeds_of.get(network, self.seeds)


@dataclass(frozen=True)
class TrainedRun:
    """One network, trained with one seed."""

    folder: Path
    metrics: dict[str, Any]  # of `fit`, with run.json's labels, input size and manifest hash
    predictions: Predictions


@dataclass(frozen=True)
class FinishedRun(TrainedRun):
    """One network, trained with one seed and converted."""

    int8: Quantized


def compare(options: CompareOptions, quantize: Quantize = quantized) -> dict[str, Any]:
    """Train and convert what is not done yet, and put the figures side by side.

    A run that is finished in its folder, `OUT/ARCH-SEED` or `OUT/ARCH-binary-SEED`, is not trained
    again; one that was interrupted is resumed. All of them are trained before the first is converted.

    Args:
        quantize: makes the int8 file of a run folder.
    Returns:
        What is written to `compare.json`: `rows`, `paired` tests against compact, `claims` of others.
    Raises:
        DataError: no such network, films that are missing or unfit, or runs with different splits.
    """
    trained = {
        name: [_trained(options, name, kind, seed) for seed in options.seeds_for(name)]
        for name, kind in _kinds(options).items()
    }
    _check_split(trained)
    runs = {name: [_converted(run, options.data, quantize) for run in found] for name, found in trained.items()}
    speed = _latencies(runs)
    rows = [_row(name, found, options, speed.get(name)) for name, found in runs.items()]
    drawn = any(run.metrics.get("phantom") for found in trained.values() for run in found)
    compared = {
        "command": _command(options),
        "phantom": drawn,
        "rows": rows,
        "paired": _paired(runs),
        "claims": [] if drawn else list(CLAIMS),  # of films of people
    }
    write_atomically(options.out / "compare.json", (json.dumps(compared, indent=1) + "\n").encode())
    write_atomically(options.out / "compare.md", comparison_page(compared).encode())
    for evaluation_set in next(iter(runs.values()))[0].predictions.by_set:
        curves = {name: found[0].predictions.by_set[evaluation_set] for name, found in runs.items()}
        write_roc_and_calibration(curves, options.out / f"roc-{evaluation_set}.png")
    return compared


@dataclass(frozen=True)
class _Kind:
    """What a row of the table is trained as."""

    arch: str
    binary: bool = False
    whole_film: bool = False


def _kinds(options: CompareOptions) -> dict[str, _Kind]:
    """The table's names, each with what it is trained as.

    Raises:
        DataError: an option names a network or recipe that does not exist.
    """
    for arch in (*options.archs, *options.weights, *options.recipe_of, *options.bfloat16):
        find_architecture(arch)
    for recipe in options.recipe_of.values():
        find_recipe(recipe)
    both = (False, True) if options.binary else (False,)
    kinds = {_name(arch, binary): _Kind(arch, binary) for arch in options.archs for binary in both}
    if options.whole_film:
        kinds[f"{REFERENCE}-whole-film"] = _Kind(REFERENCE, whole_film=True)
    for name in options.seeds_of:
        if name not in kinds:
            raise DataError(f"--seeds-of names {name!r}, which is not compared; there are {', '.join(kinds)}")
    return kinds


def _name(arch: str, binary: bool) -> str:
    return f"{arch}-binary" if binary else arch


def _trained(options: CompareOptions, name: str, kind: _Kind, seed: int) -> TrainedRun:
    folder, arch = options.out / f"{name}-{seed}", kind.arch
    wanted = FitOptions(
        out=folder,
        data=options.data,
        arch=arch,
        epochs=options.epochs,
        seed=seed,
        split=options.split,
        binary=kind.binary,
        locator=WHOLE_FILM if kind.whole_film else None,
        framing=SHIPPED if kind.whole_film else None,
        weights=options.weights.get(arch),
        recipe=options.recipe_of.get(arch, FitOptions.recipe),
        bfloat16=arch in options.bfloat16,
        teachers=options.teachers if arch == REFERENCE else (),
    )
    metrics = finished_run(wanted)
    rule = read_manifest(folder / "manifest.json").rule
    if rule != options.split:
        raise DataError(f"{folder} was split by {rule.name}, fold {rule.fold}: remove it, or give another --out")
    if metrics["recipe"] != wanted.recipe:
        raise DataError(f"{folder} was trained by recipe {metrics['recipe']}, not {wanted.recipe}: see --recipe-of")
    run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    metrics |= {key: run[key] for key in ("labels", "input_size_px", "manifest_sha256")}
    return TrainedRun(folder, metrics, predictions_of(folder, options.data))


def _converted(run: TrainedRun, data: str | None, quantize: Quantize) -> FinishedRun:
    int8 = quantize(run.folder, find_architecture(run.metrics["arch"]), data)
    return FinishedRun(run.folder, run.metrics, run.predictions, int8)


def _check_split(runs: dict[str, list[TrainedRun]]) -> None:
    """Refuse to compare figures of different films."""
    splits = {
        (tuple(run.metrics["labels"]), run.metrics["manifest_sha256"]) for found in runs.values() for run in found
    }
    if len(splits) > len({labels for labels, _ in splits}):
        raise DataError("the runs have different splits: remove their folders and run the command again")


def _latencies(runs: dict[str, list[FinishedRun]]) -> dict[str, dict[str, float]]:
    """Of the first seed's file of every network."""
    first = {name: found[0] for name, found in runs.items()}
    files = {
        name: (run.int8.path, len(run.metrics["labels"])) for name, run in first.items() if run.int8.path is not None
    }
    if not files:
        return {}
    try:
        return latencies(files, REFERENCE)
    except BundleError as fault:
        LOG.warning("%s", fault)
        return {}


def _row(name: str, runs: list[FinishedRun], options: CompareOptions, speed: dict[str, float] | None) -> dict[str, Any]:
    metrics = runs[0].metrics
    files = [run.int8 for run in runs if run.int8.figures]
    return {
        "network": name,
        "source": find_architecture(metrics["arch"]).source,
        "labels": metrics["labels"],
        "input_size_px": metrics["input_size_px"],
        "start": metrics.get("start", "random"),
        "recipe": metrics["recipe"],
        "teachers": metrics.get("teachers", 0),
        "epochs": metrics.get("epochs"),
        "seeds": [run.metrics["seed"] for run in runs],
        "bfloat16": metrics.get("bfloat16", False),
        "data": metrics["data"],
        "split": options.split.name,
        "parameters": metrics["parameters"],
        "macs": runs[0].predictions.macs,
        "judges": {
            evaluation_set: {
                "films": figures["films"],
                "float": figures_over_seeds([run.metrics["judges"][evaluation_set] for run in runs]),
                "int8": figures_over_seeds([file.figures[evaluation_set] for file in files]) if files else None,
            }
            for evaluation_set, figures in metrics["judges"].items()
        },
        "int8": {
            "format": runs[0].int8.format,
            "bytes": runs[0].int8.bytes,
            "refused": {str(run.metrics["seed"]): run.int8.refusal for run in runs if run.int8.refusal},
        },
        "latency": speed,
    }


def _paired(runs: dict[str, list[FinishedRun]]) -> list[dict[str, Any]]:
    """Every network against compact with the same classes, seed by seed, on the same validation films."""
    tests = []
    for name, found in runs.items():
        reference = _name(REFERENCE, name.endswith("-binary"))
        if name == reference or reference not in runs:
            continue
        others = {run.metrics["seed"]: run for run in runs[reference]}
        pairs = [_pair(run, others[run.metrics["seed"]]) for run in found if run.metrics["seed"] in others]
        if pairs:
            names = {"network": name, "against": reference}
            tests += paired_tests(names, pairs, found[0].metrics["validation_films"])
    return tests


def _pair(run: FinishedRun, other: FinishedRun) -> Pair:
    seed, first, second = run.metrics["seed"], run.predictions.by_set, other.predictions.by_set
    return Pair(seed, first, second, _threshold(run), _threshold(other))


def _threshold(run: FinishedRun) -> float:
    calibration = run.metrics["calibration"]
    return float(calibration["operating_points"][calibration["default_operating_point"]]["threshold"])


def _command(options: CompareOptions) -> str:
    return command_line(
        "networks",
        {
            "archs": options.archs,
            "seeds": options.seeds,
            "seeds-of": [f"{name}={','.join(map(str, seeds))}" for name, seeds in options.seeds_of.items()],
            "binary": options.binary,
            "whole-film": options.whole_film,
            "epochs": [options.epochs] if options.epochs else [],
            "split": [options.split.name] if options.split.name != SplitRule.name else [],
            "fold": [options.split.fold] if options.split.fold else [],
            "weights": [f"{arch}={path}" for arch, path in options.weights.items()],
            "recipe-of": [f"{arch}={name}" for arch, name in options.recipe_of.items()],
            "bfloat16": options.bfloat16,
            "teacher": options.teachers,
            "data": [options.data] if options.data else [],
            "out": [options.out],
        },
    )
