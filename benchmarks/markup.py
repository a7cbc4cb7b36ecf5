"""The little Markdown that the bench writes, as HTML: headings, paragraphs and tables."""

from collections.abc import Iterator
from html import escape
from itertools import groupby


def to_html(markdown: str) -> str:
    """Turn headings, paragraphs and tables into HTML; everything else is a paragraph."""
    parts: list[str] = []
    for kind, lines in groupby(markdown.splitlines(), key=_kind):
        if kind == "table":
            parts += _table(list(lines))
        elif kind == "heading":
            parts += [f"<h{_level(line)}>{escape(line.lstrip('# '))}</h{_level(line)}>" for line in lines]
        elif kind == "text":
            parts.append(f"<p>{escape(' '.join(lines))}</p>")
    return "\n".join(parts)


def _kind(line: str) -> str:
    if line.startswith("|"):
        return "table"
    if line.startswith("#"):
        return "heading"
    return "text" if line.strip() else "blank"


def _level(line: str) -> int:
    """Headings go one level down: the page has a title of its own."""
    return len(line) - len(line.lstrip("#")) + 1


def _table(lines: list[str]) -> Iterator[str]:
    head, rule, *body = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    sides = ["right" if cell.endswith(":") else "left" for cell in rule]
    yield "<table>"
    for cells, tag in ((head, "th"), *((cells, "td") for cells in body)):
        columns = zip(cells, sides, strict=True)
        yield "<tr>" + "".join(f'<{tag} class="{side}">{escape(cell)}</{tag}>' for cell, side in columns) + "</tr>"
    yield "</table>"
