"""What `benchmarks bundles` found, as text."""

from typing import Any

SHOWN = ("auc", "recall", "specificity", "class_accuracy")


def bundles_table(rows: list[dict[str, Any]]) -> str:
    """Markdown: one line per bundle and evaluation set."""
    lines = ["| bundle | evaluation set | AUC | recall | specificity | three classes |", "|---|---|---|---|---|---|"]
    for row in rows:
        for name, figures in row["judges"].items():
            cells = " | ".join(_with_interval(figures[figure]) for figure in SHOWN)
            lines.append(f"| {row['model']['version']} ({row['preprocessing']}) | {name} | {cells} |")
    return "\n".join(lines) + "\n"


def _with_interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} ({figure['low']:.4f} to {figure['high']:.4f})"
