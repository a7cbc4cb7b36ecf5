"""The tables of `train compare` and `train recipes`: mean and spread over seeds. Needs no TensorFlow."""

import statistics
from typing import Any

from edge_app.errors import DataError

FIGURES = ("auc", "accuracy", "recall", "specificity", "class_accuracy")
REFERENCE_RECIPE = "shipped"
RECIPE_FIGURES = ("auc", "class_accuracy")


def arch_rows(arch: str, source: str, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One network's rows, from the metrics of its runs.

    Raises:
        DataError: the runs validated different films, so that they cannot be compared.
    """
    if len({run["manifest_sha256"] for run in runs}) > 1:
        raise DataError(f"the runs of {arch} were cut differently: remove their folders and run compare again")
    return [
        {
            "arch": arch,
            "source": source,
            "parameters": runs[0]["parameters"],
            "judge": judge,
            "seeds": [run["seed"] for run in runs],
            "data": runs[0]["data"],
            "films": runs[0]["judges"][judge]["films"],
            "figures": {
                name: mean_and_spread([run["judges"][judge][name]["value"] for run in runs]) for name in FIGURES
            },
        }
        for judge in runs[0]["judges"]
    ]


def mean_and_spread(values: list[float]) -> dict[str, float]:
    """Mean over seeds, standard deviation of the sample (0 for one seed), lowest and highest."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": statistics.fmean(values), "spread": spread, "low": min(values), "high": max(values)}


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: mean and standard deviation over seeds."""
    heads = ("AUC", "accuracy", "recall", "specificity", "three classes")
    lines = [
        f"| network | parameters | validation films | seeds | {' | '.join(heads)} |",
        "|---|---|---|---|" + "---|" * len(heads),
    ]
    for row in rows:
        figures = [row["figures"][name] for name in FIGURES]
        cells = " | ".join(f"{figure['mean']:.4f} ± {figure['spread']:.4f}" for figure in figures)
        lines.append(f"| {row['arch']} | {row['parameters']:,} | {row['judge']} | {len(row['seeds'])} | {cells} |")
    return "\n".join(lines)


def recipes_table(rows: list[dict[str, Any]]) -> str:
    """Markdown: the shipped recipe's figures, and how far each other one lies from it."""
    heads = ("AUC", "to shipped", "three classes", "to shipped")
    lines = [f"| recipe | validation films | seeds | {' | '.join(heads)} |", "|---|---|---|" + "---|" * len(heads)]
    for row in rows:
        cells = []
        for figure in RECIPE_FIGURES:
            mean, difference = row["figures"][figure], row["differences"][figure]
            cells.append(f"{mean['mean']:.4f} ± {mean['spread']:.4f}")
            cells.append(
                f"{difference['mean']:+.4f} ± {difference['spread']:.4f}" if row["recipe"] != REFERENCE_RECIPE else ""
            )
        lines.append(f"| {row['recipe']} | {row['judge']} | {len(row['seeds'])} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
