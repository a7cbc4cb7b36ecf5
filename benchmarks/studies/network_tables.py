"""The tables of `benchmarks networks` and `benchmarks ablation`: mean and spread over seeds. Needs no TensorFlow."""

import statistics
from typing import Any

from benchmarks.output.markdown import table, text_table

HEADS = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "recall": "recall",
    "specificity": "specificity",
    "class_accuracy": "three classes",
}
FIGURES = tuple(HEADS)
OF_SEVERAL_CLASSES = "class_accuracy"
QUANTIZED_BY = {"int8": "quantization-aware training", "ptq": "post-training quantization"}
REFERENCE = "compact"  # the network that ships; the others are compared with it
REFERENCE_RECIPE = "base"
RECIPE_FIGURES = ("auc", OF_SEVERAL_CLASSES)


def figures_over_seeds(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean and spread of every figure on one evaluation set, from the figures of each run."""
    return {name: mean_and_spread([run[name]["value"] for run in runs]) for name in FIGURES}


def mean_and_spread(values: list[float]) -> dict[str, float]:
    """Mean over seeds, standard deviation of the sample (0 for one seed), lowest and highest."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": statistics.fmean(values), "spread": spread, "low": min(values), "high": max(values)}


def comparison_page(compared: dict[str, Any]) -> str:
    """Markdown: accuracy on each evaluation set, cost, and how each network was trained.

    Args:
        compared: as in `compare.json`.
    """
    rows = compared["rows"]
    parts = [f"## {name}\n\n{accuracy_table(rows, name)}" for name in rows[0]["judges"]]
    parts += [f"## Cost\n\n{cost_table(rows)}", f"## Training\n\n{comparison_notes(compared)}"]
    return "\n".join(parts)


def accuracy_table(rows: list[dict[str, Any]], evaluation_set: str) -> str:
    """Markdown: one line per network, the float model and its int8 file, on one evaluation set.

    Args:
        rows: of `compare.json`.
    """
    several = any(len(row["labels"]) > 2 for row in rows)
    figures = [name for name in FIGURES if several or name != OF_SEVERAL_CLASSES]
    body = [
        [_title(row), *(_figure_cell(row, row["judges"][evaluation_set], name) for name in figures)] for row in rows
    ]
    return text_table(["network", *(HEADS[name] for name in figures)], body)


def seeds_table(row: dict[str, Any]) -> str:
    """Markdown: one network over its seeds, float and then int8, one line per evaluation set.

    Args:
        row: of `compare.json`.
    """
    body = [[name, *(_figure_cell(row, found, one) for one in FIGURES)] for name, found in row["judges"].items()]
    refused = [f"\nThe int8 file of seed {seed} was refused: {why}.\n" for seed, why in row["int8"]["refused"].items()]
    return text_table(["evaluation set", *HEADS.values()], body) + "".join(refused)


def cost_table(rows: list[dict[str, Any]]) -> str:
    """Markdown: size and time of each network, one line per network.

    Args:
        rows: of `compare.json`.
    """
    head = ["network", "input", "parameters", "million MACs", "int8 file, bytes", "time of int8, x compact"]
    return table(head, [[row["network"], *_costs(row)] for row in rows])


def _made_by(compared: dict[str, Any]) -> str:
    drawn = "The films were drawings: these figures say nothing about films of people. " * bool(compared.get("phantom"))
    return f"{drawn}Made by `{compared['command']}`."


def _title(row: dict[str, Any]) -> str:
    refused = row["int8"]["refused"]
    return row["network"] + (f" (int8 file of seed {', '.join(refused)} refused)" if refused else "")


def _figure_cell(row: dict[str, Any], found: dict[str, Any], name: str) -> str:
    if name == OF_SEVERAL_CLASSES and len(row["labels"]) < 3:
        return ""
    sides = [found["float"][name]] + ([found["int8"][name]] if found["int8"] else [])
    several = len(row["seeds"]) > 1
    cells = [f"{side['mean']:.4f}" + (f" ± {side['spread']:.4f}" if several else "") for side in sides]
    return " → ".join(cells if found["int8"] else [*cells, "not measured"])


def _costs(row: dict[str, Any]) -> list[str]:
    speed = row["latency"] or {}
    return [
        f"{row['input_size_px']} px",
        f"{row['parameters']:,}",
        f"{row['macs'] / 1e6:.1f}",
        f"{row['int8']['bytes']:,}" if row["int8"]["bytes"] else "none",
        f"{speed['ratio']:.2f}" if "ratio" in speed else "not measured",
    ]


def comparison_notes(compared: dict[str, Any]) -> str:
    """Markdown: how each network was trained, why a file was refused, and the command that made the figures."""
    lines = []
    for row in compared["rows"]:
        start = f"from {row['start']} weights, {_seeds(row)}, at most {row['epochs']} epochs"
        words = [row["source"], start, f"by recipe {row['recipe']}"]
        words += [f"with {row['teachers']} larger networks as teachers"] if row["teachers"] else []
        words += ["trained in bfloat16"] if row.get("bfloat16") else []
        words += [f"int8 by {QUANTIZED_BY[row['int8']['format']]}"] if row["int8"]["bytes"] else []
        words += [f"seed {seed} refused: {reason}" for seed, reason in row["int8"]["refused"].items()]
        lines.append(f"- {row['network']}: {'; '.join(words)}")
    return "\n".join([*lines, "", _made_by(compared)]) + "\n"


def _seeds(row: dict[str, Any]) -> str:
    return ("seed " if len(row["seeds"]) == 1 else "seeds ") + ", ".join(map(str, row["seeds"]))


def paired_table(tests: list[dict[str, Any]]) -> str:
    """Markdown: each network against compact with the same seeds, one line per evaluation set.

    Args:
        tests: `paired` of `compare.json`.
    """
    head = ["network", "evaluation set", "seeds", "AUC minus compact's", "accuracy minus compact's"]
    head += ["right: this one alone, compact alone (McNemar p)"]
    body = []
    for test in tests:
        seeds = ", ".join(str(one["seed"]) for one in test["by_seed"])
        right = "; ".join(
            f"{one['only_first_right']}, {one['only_second_right']} ({_p(one['mcnemar_p'])})" for one in test["by_seed"]
        )
        gaps = [_gap(test["auc_difference"]), _gap(test["accuracy_difference"])]
        body.append([test["network"], test["judge"], seeds, *gaps, right])
    return text_table(head, body)


def _gap(difference: dict[str, float]) -> str:
    """With its interval; in bold where that excludes 0."""
    low, high = difference["low"], difference["high"]
    text = f"{difference['value']:+.4f} ({low:+.4f} to {high:+.4f})"
    return f"**{text}**" if low > 0 or high < 0 else text


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def recipes_page(compared: dict[str, Any]) -> str:
    """Markdown: the base recipe and how far each other one lies from it, one table per figure.

    Args:
        compared: as in `recipes.json`.
    """
    parts = [f"## {HEADS[figure]}\n\n{recipes_table(compared, figure)}" for figure in RECIPE_FIGURES]
    return "\n".join([*parts, recipes_note(compared)])


def recipes_table(compared: dict[str, Any], figure: str) -> str:
    """Markdown: one figure of the base recipe, and how far each other recipe lies from it, one line per recipe.

    Args:
        compared: as in `recipes.json`.
        figure: one of `RECIPE_FIGURES`.
    """
    names = list(compared["rows"][0]["judges"])
    body = []
    for row in compared["rows"]:
        side, sign = ("figures", "") if row["recipe"] == REFERENCE_RECIPE else ("differences", "+")
        found = [row["judges"][name][side][figure] for name in names]
        spreads = (f" ± {value['spread']:.4f}" * (len(compared["seeds"]) > 1) for value in found)
        cells = (f"{value['mean']:{sign}.4f}{spread}" for value, spread in zip(found, spreads, strict=True))
        body.append([row["recipe"], *cells])
    return text_table(["recipe", *names], body)


def recipes_note(compared: dict[str, Any]) -> str:
    """Markdown: how to read `recipes_table`, and the command that made it."""
    seeds = ", ".join(map(str, compared["seeds"]))
    what = "mean ± standard deviation over seeds" if len(compared["seeds"]) > 1 else "figure of seed"
    return (
        f"The first line is the {what} {seeds}, at {compared['epochs']} epochs, float. "
        f"Every other line is the difference to it with the same seed. {_made_by(compared)}\n"
    )
