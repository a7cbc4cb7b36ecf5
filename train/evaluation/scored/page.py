"""`report.html`: the figures of scored films as one page that needs no network."""

import base64
import html
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from edge_app.errors import FilmError
from edge_app.system.files import write_private
from edge_app.version import __version__
from train.data.labelled import LabelledFilm
from train.evaluation.scored.figures import most_wrong
from train.evaluation.scored.films import FILE, ScoredFilms
from train.evaluation.scored.plots import scored_plots

PAGE = "report.html"
SHOWN_WRONG = 20
THUMBNAIL_PX = 160
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .6rem 0 1.4rem } th, td { border-bottom: 1px solid #d5dae0; padding: .3rem
.7rem; text-align: right } th:first-child, td:first-child { text-align: left } th { background: #f3f5f8 }
img { max-width: 100% } .note { background: #fff6dc; border-left: 4px solid #d9a400; padding: .5rem .9rem }
"""
FIGURES = ("auc", "accuracy", "recall", "specificity", "precision", "class_accuracy")


def write_scored(
    folder: Path,
    scored: ScoredFilms,
    figures: Mapping[str, Any],
    title: str,
    notes: tuple[str, ...] = (),
    thumbnails: bool = False,
) -> None:
    """Write `predictions.csv` and `report.html`, which only this user may read.

    Args:
        figures: from `train.evaluation.scored.figures`, perhaps with `against`, the comparison with another model.
        notes: what a reader of the page must know.
        thumbnails: show the films that were called wrongly.
    """
    write_private(folder / FILE, scored.to_csv().encode())
    write_private(folder / PAGE, _page(scored, figures, title, notes, thumbnails).encode())


def _page(scored: ScoredFilms, figures: Mapping[str, Any], title: str, notes: tuple[str, ...], thumbnails: bool) -> str:
    parts = [f"<h1>{_text(title)}</h1>", *(f'<p class="note">{_text(note)}</p>' for note in notes), _summary(figures)]
    png = scored_plots(scored.positive, scored.p_finding, scored.threshold, figures)
    parts.append(f'<img alt="ROC, calibration and decision curve" src="{_data_url(png)}">')
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
        parts.append(f"<h2>Most probable class</h2>{_table(columns, counts)}")
    if against := figures.get("against"):
        lines = [[name.replace("_", " "), _cell(value)] for name, value in against.items()]
        parts.append(f"<h2>Compared with another model on the same films</h2>{_table(('', ''), lines)}")
    for heading, key in (("Left out", "left_out"), ("The device would refuse", "refused_by_device")):
        if figures[key]:
            parts.append(
                f"<h2>{heading}</h2>{_table(('reason', 'films'), [list(one) for one in figures[key].items()])}"
            )
    parts.append(_wrong(scored, thumbnails))
    parts.append(f"<p>Every film is in {FILE}. Written by cxr-edge-kit {__version__}.</p>")
    head = f'<meta charset="utf-8"><title>{_text(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _summary(figures: Mapping[str, Any]) -> str:
    lines = [[name.replace("_", " "), _cell(figures[name])] for name in FIGURES if name in figures]
    lines += [[name.replace("_", " "), _cell(figures[name])] for name in ("f1", "brier", "calibration_error")]
    words = f"{figures['films']} films, at the threshold {figures['threshold']:.4f}"
    return f"<p>{words}, with 95% intervals:</p>{_table(('', ''), lines)}"


def _groups(groups: Mapping[str, Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    lines = [[group, *(_cell(found.get(name, "")) for name in names)] for group, found in groups.items()]
    return _table(("", *(name.replace("_", " ") for name in names)), lines)


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value['value']:.4f} ({value['low']:.4f} to {value['high']:.4f})"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _wrong(scored: ScoredFilms, thumbnails: bool) -> str:
    rows = most_wrong(scored, SHOWN_WRONG)
    lines = [
        [scored.films[row].name, scored.films[row].label, f"{scored.p_finding[row]:.4f}"]
        + ([_thumbnail(scored.films[row])] if thumbnails else [])
        for row in rows
    ]
    head = ("file", "truth", f"P({scored.finding})", *(("film",) if thumbnails else ()))
    note = '<p class="note">These are films of patients: do not pass this page on.</p>' if thumbnails else ""
    return f"<h2>The films most wrong</h2>{note}{_table(head, lines)}" if rows else "<p>Every film is called right.</p>"


class _Markup(str):
    """Text that is HTML already."""


def _thumbnail(film: LabelledFilm) -> str:
    try:
        image = Image.fromarray(film.read().pixels)
    except FilmError as error:
        return error.sentence
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    content = io.BytesIO()
    image.save(content, "PNG")
    return _Markup(f'<img alt="{_text(film.name)}" src="{_data_url(content.getvalue())}">')


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _table(head: tuple[str, ...], lines: list[list[Any]]) -> str:
    top = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    rows = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in line)}</tr>" for line in lines)
    return f"<table><tr>{top}</tr>{rows}</table>"


def _text(value: Any) -> str:
    return value if isinstance(value, _Markup) else html.escape(str(value))
