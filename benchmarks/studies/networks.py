"""Networks side by side, each over several seeds: float and int8 figures, cost, and spread over seeds."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.device.harness.bundles import networks_of
from benchmarks.device.harness.candidate import FULL, Candidate
from benchmarks.device.harness.interleave import measure_candidates
from benchmarks.output.statistics import median, ratio
from benchmarks.studies.network_tables import REFERENCE, comparison_page, figures_over_seeds
from benchmarks.studies.quantized import Quantized, quantized
from benchmarks.studies.runs import finished_run
from edge_app.errors import DataError
from edge_app.system.files import write_atomically
from train.evaluation.paired import Pair, paired_tests
from train.evaluation.plots import roc_and_calibration_plot
from train.evaluation.predictions import Predictions, predictions_of
from train.evaluation.run import RUN
from train.networks import Architecture, find_architecture
from train.training.fit import FitOptions
from train.training.recipe import find_recipe

RUNTIME = "ai-edge-litert"
BINARY = "-binary"  # ends the name of a network with two classes
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
    binary: bool = False  # each network once more with two classes
    weights: dict[str, Path] = field(default_factory=dict)  # by network: what it starts from
    recipe_of: dict[str, str] = field(default_factory=dict)  # by network, if it is not the one that ships
    bfloat16: tuple[str, ...] = ()  # networks to train at half precision
    teachers: tuple[Path, ...] = ()  # of `compact`: float models of finished runs
    command: str = ""  # that repeats the study

    def seeds_for(self, network: str) -> tuple[int, ...]:
        """Of a network, `ARCH` or `ARCH-binary`."""
        return self.seeds_of.get(network, self.seeds)


@dataclass(frozen=True)
class FinishedRun:
    """One network, trained with one seed and converted."""

    metrics: dict[str, Any]  # of `fit`, with run.json's labels, input size and manifest hash
    predictions: Predictions
    int8: Quantized


def compare(options: CompareOptions, quantize: Quantize = quantized) -> dict[str, Any]:
    """Train and convert what is not done yet, and put the figures side by side.

    A run that is finished in its folder, `OUT/ARCH-SEED` or `OUT/ARCH-binary-SEED`, is not trained
    again; one that was interrupted is resumed. All of them are trained before the first is converted.

    Args:
        quantize: makes the int8 file of a run folder.
    Returns:
        What is written to `compare.json`: `rows`, and `paired` tests against compact.
    Raises:
        DataError: no such network, films that are missing or unfit, or runs with different splits.
    """
    archs = _networks(options)
    trained = {
        name: [_trained(options, name, arch, seed) for seed in options.seeds_for(name)] for name, arch in archs.items()
    }
    _check_split(trained)
    runs = {
        name: [_converted(options, name, archs[name], one, quantize) for one in found]
        for name, found in trained.items()
    }
    speed = _latencies(runs)
    rows = [_row(name, archs[name], found, speed.get(name)) for name, found in runs.items()]
    drawn = any(run.get("phantom") for found in trained.values() for run in found)
    compared = {"command": options.command, "phantom": drawn, "rows": rows, "paired": _paired(runs)}
    write_atomically(options.out / "compare.json", (json.dumps(compared, indent=1) + "\n").encode())
    write_atomically(options.out / "compare.md", comparison_page(compared).encode())
    for evaluation_set in next(iter(runs.values()))[0].predictions.by_set:
        curves = {name: found[0].predictions.by_set[evaluation_set] for name, found in runs.items()}
        write_atomically(options.out / f"roc-{evaluation_set}.png", roc_and_calibration_plot(curves))
    return compared


def _networks(options: CompareOptions) -> dict[str, str]:
    """The table's names, each with the network that it is: `-binary` is one with two classes.

    Raises:
        DataError: an option names a network or recipe that does not exist.
    """
    for arch in (*options.archs, *options.weights, *options.recipe_of, *options.bfloat16):
        find_architecture(arch)
    for recipe in options.recipe_of.values():
        find_recipe(recipe)
    suffixes = ("", BINARY) if options.binary else ("",)
    networks = {f"{arch}{suffix}": arch for arch in options.archs for suffix in suffixes}
    for name in options.seeds_of:
        if name not in networks:
            raise DataError(f"--seeds-of names {name!r}, which is not compared; there are {', '.join(networks)}")
    return networks


def _trained(options: CompareOptions, name: str, arch: str, seed: int) -> dict[str, Any]:
    """The metrics of a run, with what the table shows of its run.json."""
    folder = options.out / f"{name}-{seed}"
    wanted = FitOptions(
        out=folder,
        data=options.data,
        arch=arch,
        epochs=options.epochs,
        seed=seed,
        binary=name.endswith(BINARY),
        weights=options.weights.get(arch),
        recipe=options.recipe_of.get(arch, FitOptions.recipe),
        bfloat16=arch in options.bfloat16,
        teachers=options.teachers if arch == REFERENCE else (),
    )
    metrics = finished_run(wanted)
    run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    return metrics | {key: run[key] for key in ("labels", "input_size_px", "manifest_sha256")}


def _converted(
    options: CompareOptions, name: str, arch: str, metrics: dict[str, Any], quantize: Quantize
) -> FinishedRun:
    folder = options.out / f"{name}-{metrics['seed']}"
    predictions = predictions_of(folder, options.data)
    return FinishedRun(metrics, predictions, quantize(folder, find_architecture(arch), options.data))


def _check_split(trained: dict[str, list[dict[str, Any]]]) -> None:
    """Refuse to compare figures of different films."""
    splits = {(tuple(run["labels"]), run["manifest_sha256"]) for found in trained.values() for run in found}
    if len(splits) > len({labels for labels, _ in splits}):
        raise DataError("the runs have different splits: remove their folders and run the command again")


def _latencies(runs: dict[str, list[FinishedRun]]) -> dict[str, dict[str, float]]:
    """The time of the first seed's classifier, of every network: `ms`, and `ratio` to compact's; both are medians.

    A file that does not run has no entry.
    """
    with tempfile.TemporaryDirectory() as folder:
        candidates = []
        for name, found in runs.items():
            if file := found[0].int8.path:
                classifier = Path(folder) / f"{name}.tflite"
                classifier.write_bytes(networks_of(file)[-1])
                candidates.append(Candidate(name, RUNTIME, classifier))
        rows = {row["name"]: row["rounds"] for row in measure_candidates(candidates, FULL) if "rounds" in row}
    times = {name: rounds["median_ms"] for name, rounds in rows.items()}
    speed = {name: {"ms": median(ms, digits=6)} for name, ms in times.items()}
    if REFERENCE in times:
        for name, ms in times.items():
            speed[name]["ratio"] = ratio(ms, times[REFERENCE])["value"]
    return speed


def _row(name: str, arch: str, runs: list[FinishedRun], speed: dict[str, float] | None) -> dict[str, Any]:
    metrics = runs[0].metrics
    files = [run.int8 for run in runs if run.int8.figures]
    return {
        "network": name,
        "source": find_architecture(arch).source,
        "labels": metrics["labels"],
        "input_size_px": metrics["input_size_px"],
        "start": metrics.get("start", "random"),
        "recipe": metrics["recipe"],
        "teachers": metrics.get("teachers", 0),
        "epochs": metrics.get("epochs"),
        "seeds": [run.metrics["seed"] for run in runs],
        "bfloat16": metrics.get("bfloat16", False),
        "data": metrics["data"],
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
        reference = REFERENCE + (BINARY if name.endswith(BINARY) else "")
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
