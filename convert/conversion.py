"""From a run folder to bundles: make every format asked for, hold each to its gates, write it.

A file that fails a gate is written as `NAME.rejected.tflite` for study; the bundle of the same
name that passed before stays as it was.
"""

import dataclasses
import functools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.formats.export import (
    export_dynamic,
    export_float16,
    export_float32,
    export_int8,
    export_int16x8,
    export_ptq,
)
from convert.formats.qat import QatOptions, tune
from convert.gates.delegation import XNNPACK_RUNTIME, Observation, check_delegation, observe
from convert.gates.layers import LayerError, layer_errors, layer_table
from convert.gates.operators import check_runtime, read_facts
from convert.gates.parity import Budget, Parity, check_parity, compare
from convert.gates.provenance import check_architecture, check_calibration, check_labels
from convert.packaging.card_text import card_for_people
from convert.packaging.contents import make_golden, model_card
from convert.packaging.metadata import with_metadata
from convert.packaging.rejection_statistics import learn_look, measure
from convert.packaging.signing import Signer, read_signer
from convert.report.page import report_page
from edge_app.errors import BundleError, DataError, GateError, RuntimeUnavailable
from edge_app.model.bundle import Golden, write_bundle
from edge_app.model.card import ModelCard
from edge_app.model.isolated import run_isolated
from edge_app.model.runtime import installed_runtimes
from edge_app.reading.decision import softmax
from edge_app.reading.rejection import Look
from edge_app.system.files import sha256_of, write_atomically, write_together
from train.data.augment import shortcut_free_draw
from train.data.labelled import Classes
from train.data.loading import LoadedFilms, load_films
from train.data.sources import find_data
from train.data.split import TRAIN, VALIDATION, apply_manifest
from train.data.two_classes import as_labelled
from train.evaluation.evaluation_sets import DRAWS, EvaluationSet, evaluation_sets
from train.evaluation.metrics import score
from train.evaluation.run import Run, read_run
from train.networks.inference import predict

FORMATS = ("int8", "ptq", "float16", "dynamic", "float32", "int16x8")
FULL_INTEGER = ("int8", "ptq")
QUANTIZATION = {
    "int8": "int8, quantization-aware training",
    "ptq": "int8, post-training",
    "float16": "float16 weights",
    "dynamic": "int8 weights, dynamic range",
    "float32": "float32",
    "int16x8": "int8 weights, int16 activations",
}
REDRAWN = 2  # versions of every training film for the checks of `edge_app.reading.rejection`
# The newest runtime knows every operator of the converter, so only the older one limits a file.
RUNTIMES_OF_TARGET = {
    "tflite-runtime-2.14": ("ai-edge-litert", "tflite-runtime"),
    "litert": ("ai-edge-litert",),
}


@dataclass(frozen=True)
class ConvertOptions:
    """What `convert` was asked for."""

    model: Path
    out: Path
    data: str | Sequence[str] | None = None
    formats: tuple[str, ...] = ("int8", "ptq")
    target: str = "tflite-runtime-2.14"
    budget: Budget = dataclasses.field(default_factory=Budget)
    qat: QatOptions = dataclasses.field(default_factory=QatOptions)
    outside_xnnpack: tuple[str, ...] = ()  # operators that need not be delegated, by name
    debug: bool = False  # compare layers of files that pass, too
    sign: Path | None = None  # an Ed25519 key of OpenSSH


@dataclass(frozen=True)
class Source:
    """The float model with the films that it was trained and judged on."""

    model: Any
    run: Run
    training: LoadedFilms
    validation: LoadedFilms
    judges: tuple[EvaluationSet, ...]
    reference: dict[str, np.ndarray]  # the float model's outputs on the validation films

    @functools.cached_property
    def look(self) -> Look:
        """What upright films look like: learned from the films as they are and as another department makes them."""
        films = self.training.pixels
        redrawn = [shortcut_free_draw(films, draw) for draw in range(DRAWS, DRAWS + REDRAWN)]  # no judge's draws
        return learn_look(np.concatenate([films, *redrawn]), np.concatenate([judge.pixels for judge in self.judges]))

    @functools.cached_property
    def float_twin(self) -> bytes:
        """The float model as a .tflite file, made when it is first wanted."""
        return export_float32(self.model)


@dataclass
class Result:
    """One converted format, as far as it got through its gates."""

    format: str
    model: bytes
    card: ModelCard
    operators: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    seen: list[Observation] = dataclasses.field(default_factory=list)
    outputs: dict[str, dict[str, np.ndarray]] = dataclasses.field(default_factory=dict)  # by runtime
    parities: list[Parity] = dataclasses.field(default_factory=list)
    layers: list[LayerError] = dataclasses.field(default_factory=list)
    judges: dict[str, Any] = dataclasses.field(default_factory=dict)
    refusal: str | None = None
    path: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """The row of the report."""
        row = {
            "format": self.format,
            "status": "rejected" if self.refusal else "ok",
            "path": str(self.path),
            "model_bytes": len(self.model),
            "operators": sorted(set(self.operators)),
            "runtimes": [dataclasses.asdict(seen) for seen in self.seen],
            "parity": [parity.to_json(with_names=True) for parity in self.parities],
            "layers": [dataclasses.asdict(layer) for layer in self.layers],
            "judges": self.judges,
        }
        if self.refusal:
            return row | {"reason": self.refusal}
        return row | {"bundle_bytes": self.path.stat().st_size if self.path else None}


def convert(options: ConvertOptions) -> list[dict[str, Any]]:
    """Make every format that was asked for.

    Returns:
        One row a format for the report; `status` is "ok" or "rejected".
    Raises:
        DataError: the model or its films are missing or do not belong together.
        RuntimeUnavailable: no runtime of the target is installed.
    """
    runtimes = target_runtimes(options.target, installed_runtimes())
    signer = read_signer(options.sign) if options.sign else None
    source = read_source(options)
    results = []
    for name in options.formats:
        print(f"convert: making {name}", file=sys.stderr, flush=True)
        results.append(accept(source, name, export(source, name, options), options, runtimes, signer))
    rows = [result.to_json() for result in results]
    _write_reports(options, source, results, rows)
    return rows


def target_runtimes(target: str, installed: list[str]) -> list[str]:
    """The installed runtimes that a file for this target must run in.

    Raises:
        RuntimeUnavailable: there is none, so nothing could be checked.
    """
    found = [runtime for runtime in installed if runtime in RUNTIMES_OF_TARGET[target]]
    if not found:
        wanted = " or ".join(RUNTIMES_OF_TARGET[target])
        raise RuntimeUnavailable(f"the gates need {wanted}, installed: {', '.join(installed) or 'none'}")
    return found


def read_source(options: ConvertOptions) -> Source:
    """Load model and films, and check that they belong together.

    Raises:
        DataError: they do not, or one of them is missing.
    """
    model, manifest, run = read_run(options.model)
    check_architecture(model, run)
    data = find_data(options.data, manifest.rule.reads_test_folder, run.negative)
    if data.is_phantom != run.phantom:
        kind, other = ("phantoms", "--data phantom") if run.phantom else ("real films", "--data DIR")
        raise DataError(f"{options.model} was trained on {kind}: give convert {other}, or another --model")
    data = as_labelled(data, run.labels)
    check_labels(run, manifest.labels, data.labels)
    films = load_films(data, run.input_size_px)
    training, validation = (apply_manifest(films, manifest, part) for part in (TRAIN, VALIDATION))
    judges = evaluation_sets(validation, run.classes)
    check_calibration(run, predict(model, judges[-1].pixels)["logits"], judges[-1])
    return Source(model, run, training, validation, judges, predict(model, validation.pixels))


def export(source: Source, name: str, options: ConvertOptions) -> bytes:
    """The bytes of one format, without a bundle's ZIP."""
    if name == "int8":
        return export_int8(tune(source.model, source.training, source.judges[-1], options.qat, options.out))
    if name in ("ptq", "int16x8"):
        return {"ptq": export_ptq, "int16x8": export_int16x8}[name](source.model, source.training.pixels)
    if name == "float32":
        return source.float_twin
    return {"float16": export_float16, "dynamic": export_dynamic}[name](source.model)


def accept(
    source: Source, name: str, model: bytes, options: ConvertOptions, runtimes: list[str], signer: Signer | None = None
) -> Result:
    """Hold one converted model to every gate; write its bundle, or the rejected file with its report.

    Args:
        model: the bytes of a .tflite file, from `export`.
        runtimes: packages that are installed here and that the target has.
    """
    card = model_card(source.run, QUANTIZATION[name], minimum_runtime="")
    path = options.out / f"{card.name}-{name}.tflite"
    result = Result(name, model, card)
    try:
        _hold_to_gates(result, source, options, runtimes)
        golden = make_golden(result.model, result.card, runtimes)
    except (GateError, BundleError) as error:
        result.refusal = str(error)
        if result.parities or options.debug:
            _explain(result, source, runtimes[0])
        if result.parities:
            result.judges = _figures(result, source, runtimes[0])
        _write_rejected(result, path)
        return result
    if options.debug:
        _explain(result, source, runtimes[0])
    _write_accepted(result, source, path, golden, options.budget, runtimes, signer)
    return result


def _hold_to_gates(result: Result, source: Source, options: ConvertOptions, runtimes: list[str]) -> None:
    """Runtime gate, delegation gate and parity gate, on the very bytes that would be shipped."""
    full_integer = result.format in FULL_INTEGER
    facts = read_facts(result.model)
    result.operators = list(facts.operators)
    check_runtime(facts, options.target, full_integer)
    result.card = dataclasses.replace(result.card, minimum_runtime=facts.minimum_runtime)
    result.model = with_metadata(result.model, result.card)
    labels, size_px = result.card.labels, result.card.input_size_px
    result.seen = [observe(result.model, len(labels), size_px, runtime) for runtime in runtimes]
    if full_integer:
        for seen in result.seen:
            check_delegation(seen, options.outside_xnnpack)
    for runtime in runtimes:
        result.outputs[runtime] = run_isolated(result.model, len(labels), source.validation.pixels, runtime)
        parity = compare(
            source.reference, result.outputs[runtime], source.validation, result.card, runtime, options.budget
        )
        result.parities.append(parity)
    check_parity(result.parities)


def _explain(result: Result, source: Source, runtime: str) -> None:
    """Compare with the float twin layer by layer; a file that cannot be run has no layers to show."""
    try:
        result.layers = layer_errors(source.float_twin, result.model, source.validation.pixels, runtime)
    except BundleError as error:
        print(f"convert: no layer report for {result.format}: {error}", file=sys.stderr)


def _write_rejected(result: Result, path: Path) -> None:
    """The file and why, beside the last good bundle, which stays as it is."""
    result.path = path.with_suffix(".rejected.tflite")
    report = json.dumps(result.to_json(), indent=1) + "\n"
    write_together({result.path: result.model, path.with_suffix(".rejected.json"): report.encode()})


def _write_accepted(
    result: Result,
    source: Source,
    path: Path,
    golden: Golden,
    budget: Budget,
    runtimes: list[str],
    signer: Signer | None,
) -> None:
    result.judges = _figures(result, source, runtimes[0])
    result.card = _with_figures(result, runtimes[0], budget)
    result.card = dataclasses.replace(result.card, features=_feature_statistics(result, source, runtimes[0]))
    write_bundle(path, result.model, result.card, golden, card_for_people(result.card), signer)
    result.path = path
    for stale in (".rejected.tflite", ".rejected.json"):  # of an earlier try
        path.with_suffix(stale).unlink(missing_ok=True)


def _figures(result: Result, source: Source, runtime: str) -> dict[str, Any]:
    """What the file itself scored, in the device's runtime, on every judge."""
    card = result.card
    _, point = card.operating_point()
    judges = {}
    for judge in source.judges:
        if judge.pixels is source.validation.pixels:  # the parity gate has asked for these
            logits = result.outputs[runtime]["logits"]
        else:
            logits = run_isolated(result.model, len(card.labels), judge.pixels, runtime)["logits"]
        probabilities = softmax(logits, card.temperature)
        figures = score(judge.classes, probabilities, Classes(card.labels, card.negative), point.threshold)
        judges[judge.name] = dataclasses.asdict(figures)
    return judges


def _with_figures(result: Result, runtime: str, budget: Budget) -> ModelCard:
    """The card with the figures of the file."""
    _, point = result.card.operating_point()
    return dataclasses.replace(
        result.card,
        metrics={
            "runtime": runtime,
            "films": "validation, held out by patient; not a test set",
            "judges": result.judges,
        },
        parity={
            "model_bytes": len(result.model),
            "model_sha256": sha256_of(result.model),
            "threshold": point.threshold,
            "budget": dataclasses.asdict(budget),
            "runtimes": {item.runtime: item.to_json(with_names=False) for item in result.parities},
            "outside_xnnpack": {
                seen.runtime: list(seen.outside_xnnpack) for seen in result.seen if seen.runtime == XNNPACK_RUNTIME
            },
        },
    )


def _feature_statistics(result: Result, source: Source, runtime: str) -> dict[str, Any]:
    """What the card must know to refuse what is no chest film, from this very file's features."""
    pixels, label_count = source.training.pixels, len(result.card.labels)
    features = run_isolated(result.model, label_count, pixels, runtime)["features"]
    return measure(source.look, features, source.validation.pixels, result.outputs[runtime]["features"])


def qat_verdict(rows: list[dict[str, Any]]) -> str | None:
    """Says so when post-training quantization did better on the gate than training for it did.

    Better is: it passed and the other did not; else fewer flips in its worst runtime; else logits
    closer to the float model's.
    """
    found = {row["format"]: row for row in rows if row["format"] in FULL_INTEGER and row["parity"]}
    if len(found) < len(FULL_INTEGER):
        return None
    (trained, words), (plain, other_words) = (_standing(found[name]) for name in FULL_INTEGER)
    if trained <= plain:
        return None
    return (
        f"post-training quantization does better on the gate ({other_words}) than quantization-aware "
        f"training ({words}): consider the ptq bundle"
    )


def _standing(row: dict[str, Any]) -> tuple[tuple[bool, int, float], str]:
    flips = max(len(parity["flips"]) for parity in row["parity"])
    error = max(parity["logit_error_mean"] for parity in row["parity"])
    words = f"{row['status']}, {flips} decisions changed, mean logit error {error:.4f}"
    return (row["status"] != "ok", flips, error), words


def _write_reports(options: ConvertOptions, source: Source, results: list[Result], rows: list[dict[str, Any]]) -> None:
    layers = [f"\n## Layers of {r.format}\n\n{layer_table(r.layers)}" for r in results if r.layers]
    write_atomically(options.out / "report.json", (json.dumps(rows, indent=1) + "\n").encode())
    write_atomically(options.out / "report.md", ("\n".join([report_table(rows), *layers]) + "\n").encode())
    write_atomically(options.out / "report.html", report_page(options, source, results, rows).encode())


def report_table(rows: list[dict[str, Any]]) -> str:
    """One line a format and runtime, in Markdown."""
    lines = [
        "| format | status | bytes | runtime | ms | AUC | accuracy | recall | specificity | flips | missed more |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        size = f"| {row['format']} | {row['status']} | {row.get('bundle_bytes') or row['model_bytes']:,} |"
        latencies = {seen["runtime"]: seen["latency_ms"] for seen in row["runtimes"]}
        if not row["parity"]:
            lines.append(f"{size} {row['reason']} | | | | | | | |")
        for parity in row["parity"]:
            side = parity["converted"]
            figures = " | ".join(f"{side[key]:.4f}" for key in ("auc", "accuracy", "recall", "specificity"))
            counts = f"{len(parity['flips'])} of {parity['films']} | {parity['films_missed_more']}"
            latency = f"{latencies[parity['runtime']]:.2f}"
            lines.append(f"{size} {parity['runtime']} | {latency} | {figures} | {counts} |")
    return "\n".join(lines)
