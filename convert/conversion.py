"""From a run folder to bundles: export every format, check it at the gates, write it.

A file that fails a gate is written as `NAME.rejected.tflite` for study. A bundle of the same name
that passed earlier stays as it is.
"""

import functools
import itertools
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convert.formats.export import export_float32
from convert.formats.registry import FORMATS
from convert.gates.delegation import check_delegation, observe
from convert.gates.layers import LayerError, layer_errors, layer_table
from convert.gates.operators import check_runtime, read_facts
from convert.gates.parity import check_parity, compare
from convert.inference.isolated import run_isolated
from convert.options import RUNTIMES_OF_TARGET, ConvertOptions
from convert.outcome import Examined, Exported, Outcome
from convert.packaging.card_text import model_card_text
from convert.packaging.contents import make_golden, model_card
from convert.packaging.figures import card_with_figures, measured_figures
from convert.packaging.metadata import with_metadata
from convert.packaging.rejection_statistics import learn_template
from convert.report.page import report_page
from convert.report.summary import report_table
from convert.source import Source, read_source
from edge_app.errors import BundleError, GateError, RuntimeUnavailable
from edge_app.model.bundle import write_bundle
from edge_app.model.golden import Golden
from edge_app.model.runtimes.registry import installed_runtimes
from edge_app.model.signature import NAMESPACE
from edge_app.reading.decision import softmax
from edge_app.reading.rejection import Template
from edge_app.system.files import write_atomically, write_together
from edge_app.system.result_folder import claim
from edge_app.system.signing import Signer, read_signer
from train.data.augment import shortcut_free_draw
from train.data.on_disk import stack_on_disk
from train.data.whole_films import whole_films
from train.evaluation.evaluation_sets import DRAWS
from train.evaluation.floor import Floor, few_films
from train.evaluation.metrics import score

LOG = logging.getLogger(__name__)
REDRAWN = 2  # versions of every training film for the checks of `edge_app.reading.rejection`


@dataclass(frozen=True)
class Conversion:
    """What all formats of one conversion share."""

    options: ConvertOptions
    source: Source
    runtimes: tuple[str, ...]  # installed here, and of the target; figures come from the first
    signer: Signer | None = None

    @functools.cached_property
    def validation_pixels(self) -> dict[str, np.ndarray]:
        """The classifier's input for the validation films by runtime: the locator, too, runs in that runtime."""
        chain, plain = self.source.chain, self.source.validation.pixels
        return {runtime: chain.pixels(runtime) if chain else plain for runtime in self.runtimes}

    @functools.cached_property
    def template(self) -> Template:
        """The template of upright films, learned from the films as they are and as another department would
        make them."""
        parts = []
        for films in (self.source.training, self.source.validation):
            whole = whole_films(films)
            # Draws that the evaluation sets do not use.
            redrawn = shortcut_free_draw(whole, *range(DRAWS, DRAWS + REDRAWN))
            seen = map(self.source.preparation.whole, itertools.chain(whole, redrawn))
            parts.append(stack_on_disk(seen, (1 + REDRAWN) * len(whole)))
        return learn_template(*parts)

    @functools.cached_property
    def float_twin(self) -> bytes:
        """The float model as a .tflite file, made on first use."""
        return export_float32(self.source.model)


def convert(options: ConvertOptions) -> list[dict[str, Any]]:
    """Make every format that was asked for, and the report.

    Returns:
        The rows of the report, one per format; `status` is "ok" or "rejected".
    Raises:
        DataError: the model or its films are missing or do not belong together, or `out` holds something.
        GateError: the float model is below the floor.
        RuntimeUnavailable: no runtime of the target is installed.
        OSError: the disk is full or read-only; earlier bundles stay as they are.
    """
    runtimes = target_runtimes(options.target, installed_runtimes())
    signer = read_signer(options.sign, NAMESPACE) if options.sign else None
    claim(options.out, options.overwrite or options.qat.resume)
    source = read_source(options, runtimes[0])
    check_floor(source, options.floor)
    conversion = Conversion(options, source, tuple(runtimes), signer)
    outcomes = []
    for name in options.formats:
        LOG.info("making %s", name)
        outcomes.append(_made(conversion, name))
    rows = [outcome.to_json() for outcome in outcomes]
    _write_reports(conversion, outcomes, rows)
    return rows


def _made(conversion: Conversion, name: str) -> Outcome:
    try:
        model = FORMATS[name].export(conversion.source, conversion.options)
    except GateError as error:
        card = model_card(conversion.source.run, FORMATS[name].quantization, conversion.source.locator)
        refused = Examined(Exported(FORMATS[name], b"", card), refusal=str(error))
        path = conversion.options.out / f"{card.name}-{name}.tflite"
        return _write_rejected(Outcome(refused, path, bundle_bytes=None, figures={}, layers=()))
    return accept(conversion, name, model)


def check_floor(source: Source, floor: Floor) -> None:
    """Refuse a float model that is of no use, before an hour is spent on its int8 file.

    Raises:
        GateError: names each figure that is too low.
    """
    if words := few_films(source.validation.classes != source.run.classes.negative_index):
        LOG.warning("%s", words)
    run, probabilities = source.run, softmax(source.reference["logits"], source.run.calibration.temperature)
    found = score(source.validation.classes, probabilities, run.classes, run.calibration.default_threshold)
    figures = {name: getattr(found, name).value for name in ("auc", "recall", "specificity")}
    if missed := floor.missed_by(figures):
        advice = "See report.html in its run folder, train on more films or for more epochs"
        if run.own_network:
            advice = "Check --scale, --input, --negative and the order of --labels"
        raise GateError(
            f"the float model is of no use on its validation films: {'; '.join(missed)}. {advice}, or lower --min-auc, "
            "--min-recall or --min-specificity"
        )


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


def accept(conversion: Conversion, name: str, model: bytes) -> Outcome:
    """Check one exported model at every gate; write its bundle, or the rejected file with its report.

    Args:
        name: of the format.
        model: the bytes of a .tflite file.
    """
    source, runtime = conversion.source, conversion.runtimes[0]
    card = model_card(source.run, FORMATS[name].quantization, source.locator)
    examined = examine(conversion, Exported(FORMATS[name], model, card))
    explained = conversion.options.debug or (examined.refusal and examined.parities)  # layer by layer
    outcome = Outcome(
        examined=examined,
        path=conversion.options.out / f"{card.name}-{name}.tflite",
        bundle_bytes=None,
        layers=_layers(conversion, examined) if explained else (),
        figures=measured_figures(examined, source, runtime) if examined.parities else {},
    )
    if examined.golden is None:
        return _write_rejected(outcome)
    return _write_accepted(conversion, outcome, examined.golden)


def examine(conversion: Conversion, file: Exported) -> Examined:
    """Check a file at the gates for operators, delegation, parity and golden films, in this order.

    Delegation and all later gates check exactly the bytes that will be shipped.
    """
    source, options, runtimes = conversion.source, conversion.options, conversion.runtimes
    seen = Examined(file)
    try:
        facts = read_facts(file.model)
        seen = replace(seen, operators=facts.operators)
        check_runtime(facts, options.target, file.format.full_integer)

        card = replace(file.card, minimum_runtime=facts.minimum_runtime)
        model, classes = with_metadata(file.model, card), len(card.labels)
        seen = replace(seen, file=replace(file, model=model, card=card))
        observations = tuple(observe(model, classes, card.input_size_px, runtime) for runtime in runtimes)
        seen = replace(seen, observations=observations)
        if file.format.full_integer:
            for observation in observations:
                check_delegation(observation, options.outside_xnnpack)

        for runtime in runtimes:
            outputs = run_isolated(model, classes, conversion.validation_pixels[runtime], runtime)
            seen = replace(seen, outputs=seen.outputs | {runtime: outputs})
            parity = compare(source.reference, outputs, source.validation, card, runtime, options.budget, options.floor)
            seen = replace(seen, parities=(*seen.parities, parity))
        check_parity(seen.parities)
        return replace(seen, golden=make_golden(model, card, runtimes, source.locator))
    except (GateError, BundleError) as error:
        return replace(seen, refusal=str(error))


def _layers(conversion: Conversion, examined: Examined) -> tuple[LayerError, ...]:
    """Compare with the float twin layer by layer; a file that cannot run has no layers to show."""
    pixels, runtime = conversion.source.validation.pixels, conversion.runtimes[0]
    try:
        return tuple(layer_errors(conversion.float_twin, examined.file.model, pixels, runtime))
    except BundleError as error:
        LOG.warning("no layer report for %s: %s", examined.file.format.name, error)
        return ()


def _write_rejected(outcome: Outcome) -> Outcome:
    """Write the file, if there is one, and the reason; the last good bundle stays."""
    rejected, model = replace(outcome, path=_rejected(outcome.path, ".tflite")), outcome.examined.file.model
    report = json.dumps(rejected.to_json(), indent=1) + "\n"
    files = {_rejected(outcome.path, ".json"): report.encode()}
    write_together(files | ({rejected.path: model} if model else {}))
    return rejected


def _write_accepted(conversion: Conversion, outcome: Outcome, golden: Golden) -> Outcome:
    """Write the bundle, and remove what an earlier attempt left."""
    examined, path, options = outcome.examined, outcome.path, conversion.options
    runtime = conversion.runtimes[0]
    card = card_with_figures(
        examined, outcome.figures, conversion.source, conversion.template, options.budget, options.floor, runtime
    )
    locator = conversion.source.locator
    write_bundle(
        path,
        examined.file.model,
        card,
        golden,
        model_card_text(card),
        locator.int8 if locator else None,
        conversion.signer,
    )
    for suffix in (".tflite", ".json"):
        _rejected(path, suffix).unlink(missing_ok=True)
    return replace(outcome, bundle_bytes=path.stat().st_size)


def _rejected(path: Path, suffix: str) -> Path:
    return path.with_suffix(f".rejected{suffix}")


def _write_reports(conversion: Conversion, outcomes: list[Outcome], rows: list[dict[str, Any]]) -> None:
    out = conversion.options.out
    layers = [
        f"\n## Layers of {one.examined.file.format.name}\n\n{layer_table(one.layers)}" for one in outcomes if one.layers
    ]
    page = report_page(conversion.options, conversion.source, outcomes, rows)
    write_atomically(out / "report.json", (json.dumps(rows, indent=1) + "\n").encode())
    write_atomically(out / "report.md", ("\n".join([report_table(rows), *layers]) + "\n").encode())
    write_atomically(out / "report.html", page.encode())
