"""Bar charts as SVG text; they need no library, so they are drawn on the device too."""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

ROW_PX = 26
LABEL_PX = 330
WIDTH_PX = 900
VALUE_PX = 110
COLOURS = ("#1b6ca8", "#d1822b", "#4c8c4a", "#8a5a9e", "#777777")


def bars(
    title: str, unit: str, rows: Sequence[tuple[str, float, float, str]], groups: Sequence[str] | None = None
) -> str:
    """Draw horizontal bars on a logarithmic axis.

    Args:
        rows: label, value, upper end of the whisker (the value itself for none), group.
        groups: the groups in the order of their colours.
    Returns:
        An SVG document.
    """
    groups = groups or sorted({group for *_, group in rows})
    low = min(value for _, value, _, _ in rows) / 2
    high = max(upper for _, _, upper, _ in rows)
    span = math.log(high / low) or 1.0
    scale = (WIDTH_PX - LABEL_PX - VALUE_PX) / span
    height = ROW_PX * (len(rows) + 2) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height}" width="{WIDTH_PX}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH_PX}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>',
        *_legend(groups),
    ]
    for index, (label, value, upper, group) in enumerate(rows):
        y = ROW_PX * (index + 2)
        end = LABEL_PX + math.log(value / low) * scale
        whisker = LABEL_PX + math.log(upper / low) * scale
        colour = COLOURS[list(groups).index(group) % len(COLOURS)]
        parts += [
            f'<text x="{LABEL_PX - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{LABEL_PX}" y="{y + 3}" width="{end - LABEL_PX:.1f}" height="16" fill="{colour}"/>',
            f'<line x1="{end:.1f}" x2="{whisker:.1f}" y1="{y + 11}" y2="{y + 11}" stroke="#222222"/>',
            f'<text x="{whisker + 6:.1f}" y="{y + 15}">{value:.3g} {escape(unit)}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def latency_bars(title: str, rows: Sequence[dict[str, Any]], label: Callable[[dict[str, Any]], str]) -> str | None:
    """Draw the median and the p99 of every row that ran, coloured by engine; None when none ran."""
    points = []
    for row in rows:
        if "rounds" in row:
            metrics = row["latency_metrics"]
            points.append((label(row), metrics["median_ms"], metrics["p99_ms"], row["engine_version"]))
    return bars(title, "ms", points) if points else None


def _legend(groups: Sequence[str]) -> list[str]:
    parts, x = [], 8
    for index, group in enumerate(groups):
        parts += [
            f'<rect x="{x}" y="30" width="12" height="12" fill="{COLOURS[index % len(COLOURS)]}"/>',
            f'<text x="{x + 17}" y="41">{escape(group)}</text>',
        ]
        x += 40 + 9 * len(group)
    return parts
