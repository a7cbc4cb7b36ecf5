"""`report.html`: one page that needs no network, for a clinician or reviewer who asks whether to trust a file."""

from typing import Any

from convert.gates.layers import LayerError
from convert.gates.parity import Parity
from convert.options import ConvertOptions
from convert.outcome import Outcome
from convert.report.plots import layer_plot, parity_plot
from convert.report.summary import OVERVIEW, overview
from convert.source import Source
from train.evaluation.page_parts import OF_PATIENTS, document, image, table, text, thumbnail


def report_page(options: ConvertOptions, source: Source, outcomes: list[Outcome], rows: list[dict[str, Any]]) -> str:
    """The whole page; it shows the films whose decision changed, where they can be read."""
    body = [
        f"<h1>Conversion of {text(source.run.arch)}: may the small file be trusted?</h1>",
        _summary(rows),
        _phantom_note(source),
        _checked(options, source),
        "<h2>All formats</h2>",
        table(OVERVIEW, overview(rows)),
        *[_section(outcome, source) for outcome in outcomes],
    ]
    return document("Conversion report", body, "The same figures are in report.json.")


def _summary(rows: list[dict[str, Any]]) -> str:
    items = "".join(
        f'<li><span class="{row["status"]}">{text(row["format"])}: {row["status"]}</span>'
        f"{text('. ' + row['reason'] if row['status'] != 'ok' else '')}</li>"
        for row in rows
    )
    return f"<ul>{items}</ul>"


def _phantom_note(source: Source) -> str:
    if not source.run.phantom:
        return ""
    return '<p class="note">Trained and evaluated on drawn phantoms. Never to be used on a person.</p>'


def _checked(options: ConvertOptions, source: Source) -> str:
    """What the gates are, in words, with the budget that was in force."""
    budget = options.budget
    positives = int((source.validation.classes != source.run.classes.negative_index).sum())
    films = len(source.validation.films)
    origin = "patients not in training"
    chosen = "Threshold, labels and recorded figures of the float model were measured again before anything was made."
    if source.run.own_network:
        origin = "whether the network was trained on them is not known"
        chosen = "The threshold was chosen here, on these films: the network came without one."
    items = (
        f"Each file ran all {films} validation films ({positives} with pneumonia; {origin}) in every "
        "device runtime installed here, in a process of its own, and was compared film by film with the float model.",
        f"Allowed: {budget.recall_films} additional film with pneumonia missed, or {budget.recall:.1%} of them, "
        f"whichever is larger; accuracy lower by {budget.accuracy:.1%}; {budget.flips:.1%} of decisions changed; "
        f"AUC lower by {budget.auc}.",
        f"The file must run in {options.target}: its operators and their versions were read from it. An int8 file "
        "must hold no float tensor, and XNNPACK must take every operator of it.",
        chosen,
        "These are validation films of one hospital. They show that the small file answers as the large model does, "
        "not how good either is elsewhere.",
    )
    return f"<h2>What was checked</h2><ul>{''.join(f'<li>{text(item)}</li>' for item in items)}</ul>"


def _section(outcome: Outcome, source: Source) -> str:
    seen = outcome.examined
    parts = [f"<h2>{text(seen.file.format.name)}</h2>"]
    if seen.refusal:
        parts.append(f'<p class="rejected">Refused: {text(seen.refusal)}</p>')
    if seen.parities:
        parts += [_parity_table(seen.parities), _class_table(seen.parities), _flips(seen.parities, source)]
        parts.append(
            image(parity_plot(source.reference, seen.outputs, seen.file.card), "float model against this file")
        )
    for one in seen.observations:
        outside = ", ".join(sorted(set(one.outside_xnnpack))) or "none"
        words = f"{one.runtime} {one.version}: XNNPACK takes {one.delegated} of {one.operators} operators"
        parts.append(f"<p>{text(f'{words}; outside it: {outside}.')}</p>")
    if outcome.layers:
        parts.append(_layers(outcome.layers))
    return "".join(parts)


def _layers(layers: tuple[LayerError, ...]) -> str:
    worst = max(layers, key=lambda layer: layer.lost_db)
    head = ("#", "operator", "output", "largest", "error, rms", "error, max", "SNR (dB)", "lost here (dB)")
    cells = [
        [layer.number, layer.operator, "x".join(map(str, layer.shape[1:]))]
        + [f"{value:.3g}" for value in (layer.largest, layer.error_rms, layer.error_max)]
        + [f"{value:.1f}" for value in (layer.signal_to_noise_db, layer.lost_db)]
        for layer in layers
    ]
    return (
        f"<h3>Layers</h3><p>Operator {worst.number}, {worst.operator}, adds the most error.</p>"
        f"{image(layer_plot(layers), 'signal-to-noise of every layer')}{table(head, cells)}"
    )


def _parity_table(parities: tuple[Parity, ...]) -> str:
    head = ("", *(parity.runtime for parity in parities))
    lines = []
    for name in ("auc", "accuracy", "recall", "specificity", "calibration_error"):
        pairs = [(getattr(p.float_model, name), getattr(p.converted, name)) for p in parities]
        lines.append([f"{name.replace('_', ' ')}, float model → file", *(f"{a:.4f} → {b:.4f}" for a, b in pairs)])
    for title, get in (
        (f"decisions changed, of {parities[0].films}", lambda p: str(len(p.flips))),
        ("additional films with pneumonia missed", lambda p: str(p.films_missed_more)),
        ("McNemar's exact p, right and wrong decisions", lambda p: f"{p.mcnemar_p:.3f}"),
        ("mean change of P(pneumonia)", lambda p: f"{p.p_change_mean:.4f}"),
        ("logit error, mean / max", lambda p: f"{p.logit_error_mean:.3f} / {p.logit_error_max:.3f}"),
        ("class map: same class highest, share of places", lambda p: _share(p.class_map_agreement)),
        ("class map: correlation", lambda p: _share(p.class_map_correlation)),
    ):
        lines.append([title, *(get(parity) for parity in parities)])
    return table(head, lines)


def _share(value: float | None) -> str:
    return "none: the network has no class map, so there is no heatmap" if value is None else f"{value:.4f}"


def _class_table(parities: tuple[Parity, ...]) -> str:
    head = ("logit of", "runtime", "error, mean", "error, max", "SNR (dB)")
    lines = [
        [label, parity.runtime, f"{error.mean:.4f}", f"{error.max:.4f}", f"{error.signal_to_noise_db:.1f}"]
        for parity in parities
        for label, error in parity.logit_error_by_class.items()
    ]
    return table(head, lines)


def _flips(parities: tuple[Parity, ...], source: Source) -> str:
    """The films that the float model and the file decide differently, as pictures."""
    found: dict[int, list[str]] = {}
    for parity in parities:
        for flip in parity.flips:
            change = f"{parity.runtime}: P {flip.p_float:.3f} → {flip.p_converted:.3f}"
            found.setdefault(flip.row, []).append(change)
    if not found:
        return "<p>No decision changed.</p>"
    figures = []
    for row, words in sorted(found.items()):
        film = source.validation.films[row]
        lines = "<br>".join(text(line) for line in (f"{film.name} ({film.label})", *words))
        figures.append(f"<figure>{text(thumbnail(film))}<figcaption>{lines}</figcaption></figure>")
    note = "" if source.run.phantom else OF_PATIENTS
    heading = f"Decisions that changed (threshold {parities[0].threshold:.3f})"
    return f"<h3>{heading}</h3>{note}{''.join(figures)}"
