"""The Markdown that benchmarks write, as HTML: headings, paragraphs and tables."""

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
    """One level lower, since the page has a title of its own."""
    return len(line) - len(line.lstrip("#")) + 1


def _table(lines: list[str]) -> Iterator[str]:
    head, rule, *body = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    sides = ["right" if cell.endswith(":") else "left" for cell in rule]
    yield "<table>"
    yield _line("th", head, sides)
    for cells in body:
        yield _line("td", cells, sides)
    yield "</table>"


def _line(tag: str, cells: list[str], sides: list[str]) -> str:
    """One line of a table; the last filled cell spans the empty ones after it."""
    filled = max((index for index, cell in enumerate(cells) if cell), default=0) + 1
    span = len(cells) - filled + 1
    parts = [f'<{tag} class="{side}">{escape(cell)}</{tag}>' for cell, side in zip(cells[:filled], sides, strict=False)]
    if span > 1:
        parts[-1] = f'<{tag} class="left" colspan="{span}">{escape(cells[filled - 1])}</{tag}>'
    return f"<tr>{''.join(parts)}</tr>"
