"""What the pages of `fit`, `evaluate` and `convert` are made of: one HTML file each, which needs no network."""

import base64
import html
import io
from collections.abc import Iterable
from typing import Any

from PIL import Image

from edge_app.errors import FilmError
from edge_app.version import __version__
from train.data.labelled import LabelledFilm

THUMBNAIL_PX = 176
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 66rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .6rem 0 1.4rem } th, td { border-bottom: 1px solid #d5dae0; padding: .3rem
.7rem; text-align: right } th:first-child, td:first-child { text-align: left } th { background: #f3f5f8 }
.ok { color: #11692f; font-weight: 600 } .rejected { color: #a40e26; font-weight: 600 } img { max-width: 100% }
.note { background: #fff6dc; border-left: 4px solid #d9a400; padding: .5rem .9rem } figure { display: inline-block;
margin: .4rem; vertical-align: top; width: 180px; font-size: .8rem; overflow-wrap: anywhere } .wide { overflow-x: auto }
"""
OF_PATIENTS = '<p class="note">These are films of patients: do not pass this page on.</p>'


class Markup(str):
    """Text that is HTML already."""


def document(title: str, body: Iterable[str], ending: str) -> str:
    """The whole page; `body` is HTML, `title` and `ending` are text."""
    head = f'<meta charset="utf-8"><title>{text(title)}</title><style>{STYLE}</style>'
    last = f"<p>{text(ending)} Written by cxr-edge-kit {__version__}.</p>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}{last}</body></html>\n'


def text(value: Any) -> str:
    """A value as HTML."""
    return value if isinstance(value, Markup) else html.escape(str(value))


def table(head: Iterable[str], lines: Iterable[Iterable[Any]]) -> str:
    """A table; cells are text, or `Markup`."""
    top = "".join(f"<th>{text(cell)}</th>" for cell in head)
    rows = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in line)}</tr>" for line in lines)
    return f'<div class="wide"><table><tr>{top}</tr>{rows}</table></div>'


def image(png: bytes, alternative: str) -> Markup:
    """A picture inside the page."""
    return Markup(f'<img alt="{text(alternative)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">')


def thumbnail(film: LabelledFilm) -> str:
    """A small picture of a film; why it cannot be read if it cannot."""
    try:
        small = Image.fromarray(film.read().pixels)
    except FilmError as error:
        return error.sentence
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    content = io.BytesIO()
    small.save(content, "PNG")
    return image(content.getvalue(), film.name)
