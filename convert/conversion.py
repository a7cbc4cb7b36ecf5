"""From a run folder to bundles: make every format asked for, hold each to its gates, write it.

A file that fails a gate is written as `NAME.rejected.tflite` for study; the bundle of the same
name that passed before stays as it was.
"""

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.export import export_dynamic, export_float16, export_float32, export_int8, export_ptq
from convert.flatbuffer import check_runtime, read_facts
from convert.package import card_for_people, make_golden, model_card
from convert.parity import Budget, Parity, check_parity, compare
from convert.qat import QatOptions, tune
from edge_app.bundle import write_bundle
from edge_app.card import ModelCard
from edge_app.decision import softmax
from edge_app.errors import BundleError, DataError, GateError
from edge_app.files import write_atomically
from edge_app.isolated import run_isolated
from edge_app.runtime import installed_runtimes
from train.data import find_data
from train.inference import predict
from train.inputs import LoadedFilms, load_films
from train.judge import Judge, plain_judge, shortcut_free_judge
from train.metrics import score
from train.run import Run, read_run
from train.split import TRAIN, VALIDATION, apply_manifest

FORMATS = ("int8", "ptq", "float16", "dynamic", "float32")
FULL_INTEGER = ("int8", "ptq")
QUANTIZATION = {
    "int8": "int8, quantization-aware training",
    "ptq": "int8, post-training",
    "float16": "float16 weights",
    "dynamic": "int8 weights, dynamic range",
    "float32": "float32",
}


@dataclass(frozen=True)
class ConvertOptions:
    """What `convert` was asked for."""

    model: Path
    out: Path
    data: str | None = None
    formats: tuple[str, ...] = ("int8", "ptq")
    target: str = "tflite-runtime-2.14"
    budget: Budget = dataclasses.field(default_factory=Budget)
    qat: QatOptions = dataclasses.field(default_factory=QatOptions)


@dataclass(frozen=True)
class Source:
    """The float model with the films that it was trained and judged on."""

    model: Any
    run: Run
    training: LoadedFilms
    validation: LoadedFilms
    judges: tuple[Judge, ...]
    reference: dict[str, np.ndarray]  # the float model's outputs on the validation films


def convert(options: ConvertOptions) -> list[dict[str, Any]]:
    """Make every format that was asked for.

    Returns:
        One row a format for the report; `status` is "ok" or "rejected".
    Raises:
        DataError: the model or its films are missing or do not belong together.
    """
    source = read_source(options)
    runtimes = installed_runtimes()
    rows = [_one_format(source, name, options, runtimes) for name in options.formats]
    _write_report(options.out, rows)
    return rows


def read_source(options: ConvertOptions) -> Source:
    """Load model and films.

    Raises:
        DataError: the films are not the ones that the model was trained on.
    """
    model, manifest, run = read_run(options.model)
    data = find_data(options.data)
    if data.is_phantom != run.phantom:
        kind, other = ("phantoms", "--data phantom") if run.phantom else ("real films", "--data DIR")
        raise DataError(f"{options.model} was trained on {kind}: give convert {other}, or another --model")
    films = load_films(data, run.input_size_px)
    training, validation = (apply_manifest(films, manifest, part) for part in (TRAIN, VALIDATION))
    judges = (plain_judge(validation), shortcut_free_judge(validation))
    return Source(model, run, training, validation, judges, predict(model, validation.pixels))


def export(source: Source, name: str, qat: QatOptions) -> bytes:
    """The bytes of one format, without a bundle's ZIP."""
    if name == "int8":
        return export_int8(tune(source.model, source.training, source.judges[-1], qat))
    if name == "ptq":
        return export_ptq(source.model, source.training.pixels)
    return {"float32": export_float32, "float16": export_float16, "dynamic": export_dynamic}[name](source.model)


def _one_format(source: Source, name: str, options: ConvertOptions, runtimes: list[str]) -> dict[str, Any]:
    print(f"convert: making {name}", file=sys.stderr, flush=True)
    model = export(source, name, options.qat)
    facts = read_facts(model)
    card = model_card(source.run, QUANTIZATION[name], facts.minimum_runtime)
    path = options.out / f"{card.name}-{name}.tflite"
    row = {"format": name, "status": "ok", "model_bytes": len(model), "operators": sorted(set(facts.operators))}
    parities: list[Parity] = []
    try:
        check_runtime(facts, options.target, full_integer=name in FULL_INTEGER)
        parities = [compare(source.reference, model, source.validation, card, r, options.budget) for r in runtimes]
        check_parity(parities)
    except (GateError, BundleError) as error:
        rejected = path.with_suffix(".rejected.tflite")
        write_atomically(rejected, model)
        row |= {"status": "rejected", "reason": str(error), "path": str(rejected)}
    else:
        card = _with_figures(card, source, model, parities, runtimes[0], options.budget)
        write_bundle(path, model, card, make_golden(model, card, runtimes), card_for_people(card))
        row |= {"path": str(path), "bundle_bytes": path.stat().st_size, "judges": card.metrics["judges"]}
    return row | {"parity": [parity.to_json(with_names=True) for parity in parities]}


def _with_figures(
    card: ModelCard, source: Source, model: bytes, parities: list[Parity], runtime: str, budget: Budget
) -> ModelCard:
    """The card with what the file itself scored, in the device's runtime, on every judge."""
    _, point = card.operating_point()
    judges = {}
    for judge in source.judges:
        logits = run_isolated(model, len(card.labels), judge.pixels, runtime)["logits"]
        probabilities = softmax(logits, card.temperature)
        figures = score(judge.classes, probabilities, card.labels, card.negative_index, point.threshold)
        judges[judge.name] = dataclasses.asdict(figures)
    parity = {item.runtime: item.to_json(with_names=False) for item in parities}
    return dataclasses.replace(
        card,
        metrics={"runtime": runtime, "films": "validation, held out by patient; not a test set", "judges": judges},
        parity={"budget": dataclasses.asdict(budget), "runtimes": parity},
    )


def qat_verdict(rows: list[dict[str, Any]]) -> str | None:
    """Says so when post-training quantization came closer to the float model than training for it did."""
    errors = {
        row["format"]: row["parity"][0]["logit_error_mean"]
        for row in rows
        if row["format"] in FULL_INTEGER and row["parity"]
    }
    if len(errors) < len(FULL_INTEGER) or errors["int8"] <= errors["ptq"]:
        return None
    return (
        f"post-training quantization is closer to the float model (mean logit error {errors['ptq']:.4f}) "
        f"than quantization-aware training ({errors['int8']:.4f}): consider the ptq bundle"
    )


def _write_report(folder: Path, rows: list[dict[str, Any]]) -> None:
    write_atomically(folder / "report.json", (json.dumps(rows, indent=1) + "\n").encode())
    write_atomically(folder / "report.md", (report_table(rows) + "\n").encode())


def report_table(rows: list[dict[str, Any]]) -> str:
    """One line a format and runtime, in Markdown."""
    lines = [
        "| format | status | bytes | runtime | AUC | accuracy | recall | specificity | flips | missed more |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        size = f"| {row['format']} | {row['status']} | {row.get('bundle_bytes', row['model_bytes']):,} |"
        if not row["parity"]:
            lines.append(f"{size} {row['reason']} | | | | | | |")
        for parity in row["parity"]:
            side = parity["converted"]
            figures = " | ".join(f"{side[key]:.4f}" for key in ("auc", "accuracy", "recall", "specificity"))
            counts = f"{len(parity['flips'])} of {parity['films']} | {parity['films_missed_more']}"
            lines.append(f"{size} {parity['runtime']} | {figures} | {counts} |")
    return "\n".join(lines)
