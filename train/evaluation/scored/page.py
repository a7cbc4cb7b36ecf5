"""`report.html`: the figures of scored films as one page that needs no network."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from edge_app.system.files import write_private
from train.evaluation.page_parts import OF_PATIENTS, document, image, table, thumbnail
from train.evaluation.plots import scored_plots
from train.evaluation.scored.figures import most_wrong
from train.evaluation.scored.films import FILE, ScoredFilms

PAGE = "report.html"
SHOWN_WRONG = 20
FIGURES = ("auc", "accuracy", "recall", "specificity", "precision", "class_accuracy")


def write_scored(
    folder: Path,
    scored: ScoredFilms,
    figures: Mapping[str, Any],
    title: str,
    notes: tuple[str, ...] = (),
    thumbnails: bool = False,
    pictures: Mapping[str, bytes] | None = None,
) -> None:
    """Write `predictions.csv` and `report.html`, which only this user may read.

    Args:
        figures: from `train.evaluation.scored.figures`, perhaps with `against`, the comparison with another model.
        notes: what a reader of the page must know.
        thumbnails: show the films that were called wrongly.
        pictures: PNG by heading, for the end of the page.
    """
    write_private(folder / FILE, scored.to_csv().encode())
    body = [
        *_body(scored, figures, title, notes, thumbnails),
        *(f"<h2>{escape(heading)}</h2>{image(png, heading)}" for heading, png in (pictures or {}).items()),
    ]
    write_private(folder / PAGE, document(title, body, f"Every film is in {FILE}.").encode())


def _body(
    scored: ScoredFilms, figures: Mapping[str, Any], title: str, notes: tuple[str, ...], thumbnails: bool
) -> list[str]:
    parts = [f"<h1>{escape(title)}</h1>", *(f'<p class="note">{escape(note)}</p>' for note in notes), _summary(figures)]
    png = scored_plots(scored.positive, scored.p_finding, scored.threshold, figures)
    parts.append(image(png, "ROC, calibration and decision curve"))
    parts.append(
        "<p>The ROC curve with the threshold in use; the share with the finding by predicted probability; and the "
        "net benefit of acting on the model, of treating everyone and of treating no one, by the threshold "
        "probability.</p>"
    )
    for heading, key in (
        ("Each class of the films, at the threshold", "by_class"),
        ("Each hospital", "by_site"),
        ("By age in years", "by_age"),
        ("At other thresholds of the model", "operating_points"),
        ("At thresholds chosen on these very films, which flatters", "thresholds_of_these_films"),
    ):
        if figures[key]:
            parts.append(f"<h2>{heading}</h2>{_groups(figures[key])}")
    if "confusion" in figures:
        columns = ("truth, then what was predicted", *scored.classes.labels)
        counts = [[label, *row] for label, row in zip(scored.classes.labels, figures["confusion"], strict=True)]
        parts.append(f"<h2>Most probable class</h2>{table(columns, counts)}")
    if against := figures.get("against"):
        lines = [[name.replace("_", " "), _cell(value)] for name, value in against.items()]
        parts.append(f"<h2>Compared with another model on the same films</h2>{table(('', ''), lines)}")
    for heading, key in (("Left out", "left_out"), ("The device would refuse", "refused_by_device")):
        if figures[key]:
            parts.append(f"<h2>{heading}</h2>{table(('reason', 'films'), [list(one) for one in figures[key].items()])}")
    return [*parts, _wrong(scored, thumbnails)]


def _summary(figures: Mapping[str, Any]) -> str:
    lines = [[name.replace("_", " "), _cell(figures[name])] for name in FIGURES if name in figures]
    lines += [[name.replace("_", " "), _cell(figures[name])] for name in ("f1", "brier", "calibration_error")]
    words = f"{figures['films']} films, at the threshold {figures['threshold']:.4f}"
    return f"<p>{words}, with 95% intervals:</p>{table(('', ''), lines)}"


def _groups(groups: Mapping[str, Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    lines = [[group, *(_cell(found.get(name, "")) for name in names)] for group, found in groups.items()]
    return table(("", *(name.replace("_", " ") for name in names)), lines)


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value['value']:.4f} ({value['low']:.4f} to {value['high']:.4f})"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _wrong(scored: ScoredFilms, thumbnails: bool) -> str:
    rows = most_wrong(scored, SHOWN_WRONG)
    lines = [
        [scored.films[row].name, scored.films[row].label, f"{scored.p_finding[row]:.4f}"]
        + ([thumbnail(scored.films[row])] if thumbnails else [])
        for row in rows
    ]
    head = ("file", "truth", f"P({scored.finding})", *(("film",) if thumbnails else ()))
    note = OF_PATIENTS if thumbnails else ""
    return f"<h2>The films most wrong</h2>{note}{table(head, lines)}" if rows else "<p>Every film is called right.</p>"
