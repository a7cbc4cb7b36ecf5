"""The tables of `benchmarks networks` and `benchmarks ablation`: mean and spread over seeds. Needs no TensorFlow."""

import statistics
from typing import Any

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
REFERENCE_RECIPE = "base"
RECIPE_FIGURES = ("auc", OF_SEVERAL_CLASSES)
# What the systems that this kit came from say of themselves.
CLAIMS = (
    {"system": "first system", "films": "own test", "accuracy": "90%"},
    {
        "system": "second system, precision over 92%",
        "films": "own test",
        "accuracy": "90 to 96%",
        "recall": "over 95%",
    },
    {
        "system": "third system",
        "films": "own test",
        "auc": "0.94 (three classes)",
        "accuracy": "93%",
        "recall": "98%",
        "class_accuracy": "84%",
    },
)


def figures_over_seeds(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean and spread of every figure of one judge, from the figures of each run."""
    return {name: mean_and_spread([run[name]["value"] for run in runs]) for name in FIGURES}


def mean_and_spread(values: list[float]) -> dict[str, float]:
    """Mean over seeds, standard deviation of the sample (0 for one seed), lowest and highest."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": statistics.fmean(values), "spread": spread, "low": min(values), "high": max(values)}


def comparison_page(compared: dict[str, Any]) -> str:
    """Markdown: the table, then a note a network.

    Args:
        compared: as in `compare.json`.
    """
    return f"{comparison_table(compared)}\n{comparison_notes(compared)}"


def comparison_table(compared: dict[str, Any]) -> str:
    """Markdown: one line a network and judge, float beside int8; then what others said of theirs.

    Args:
        compared: as in `compare.json`, or with some of its rows.
    """
    several = any(len(row["labels"]) > 2 for row in compared["rows"])
    figures = [name for name in FIGURES if several or name != OF_SEVERAL_CLASSES]
    heads = [HEADS[name] for name in figures]
    costs = ("parameters", "MMACs", "int8 bytes", "ms, int8")
    lines = [
        f"| network | validation films | {' | '.join(heads)} | {' | '.join(costs)} |",
        "|---|---|" + "---|" * (len(heads) + len(costs)),
    ]
    for row in compared["rows"]:
        title, spent = _title(row), " | ".join(_costs(row))
        for judge, found in row["judges"].items():
            cells = " | ".join(_figure_cell(row, found, name) for name in figures)
            lines.append(f"| {title} | {judge} | {cells} | {spent} |")
            title, spent = "", " | ".join([""] * len(costs))
    for claim in compared["claims"]:
        cells = " | ".join(claim.get(name, "") for name in figures)
        lines.append(f"| *{claim['system']}: theirs* | {claim['films']} | {cells} | {' | '.join([''] * len(costs))} |")
    lines += ["", f"Float → int8 file, mean ± standard deviation over seeds; no test figures. {_made_by(compared)}"]
    if compared["claims"]:
        lines += [
            "",
            "*Theirs*: what the systems before this kit reported of themselves, on unstated cuts; not rerun here.",
        ]
    return "\n".join(lines) + "\n"


def _made_by(compared: dict[str, Any]) -> str:
    return f"Made by `{compared['command']}`."


def _title(row: dict[str, Any]) -> str:
    title, refused = f"**{row['network']}**, {row['input_size_px']} px", row["int8"]["refused"]
    return title + (f"; the gates refuse the int8 file of seed {', '.join(refused)}" if refused else "")


def _figure_cell(row: dict[str, Any], found: dict[str, Any], name: str) -> str:
    if name == OF_SEVERAL_CLASSES and len(row["labels"]) < 3:
        return ""
    sides = [found["float"][name]] + ([found["int8"][name]] if found["int8"] else [])
    several = len(row["seeds"]) > 1
    cells = [f"{side['mean']:.4f}" + (f" ± {side['spread']:.4f}" if several else "") for side in sides]
    return " → ".join(cells if found["int8"] else [*cells, "not measured"])


def _costs(row: dict[str, Any]) -> list[str]:
    speed = row["latency"]
    ratio = f" ({speed['ratio']:.2f} x compact)" if speed and "ratio" in speed else ""
    return [
        f"{row['parameters']:,}",
        f"{row['macs'] / 1e6:.1f}",
        f"{row['int8']['bytes']:,}" if row["int8"]["bytes"] else "none",
        f"{speed['ms']:.3f}{ratio}" if speed else "not measured",
    ]


def comparison_notes(compared: dict[str, Any]) -> str:
    """Markdown: what the cells have no room for: where weights came from, how it was trained, what was refused."""
    lines = []
    for row in compared["rows"]:
        seeds = ", ".join(map(str, row["seeds"]))
        start = f"from {row['start']} weights, seeds {seeds}, at most {row['epochs']} epochs"
        words = [row["source"], start, f"by recipe {row['recipe']}"]
        words += [f"taught by {row['teachers']} larger networks"] if row["teachers"] else []
        words += ["trained in bfloat16"] if row.get("bfloat16") else []
        words += [f"int8 by {QUANTIZED_BY[row['int8']['format']]}"] if row["int8"]["bytes"] else []
        words += [f"seed {seed} refused: {reason}" for seed, reason in row["int8"]["refused"].items()]
        lines.append(f"- {row['network']}: {'; '.join(words)}")
    return "\n".join(lines) + "\n"


def paired_table(tests: list[dict[str, Any]]) -> str:
    """Markdown: each network against compact with the same seeds, a line a judge.

    Args:
        tests: `paired` of `compare.json`.
    """
    lines = [
        "| network | validation films | seeds | AUC less that of compact | accuracy less that of compact "
        "| right alone: it, compact (McNemar p) |",
        "|---|---|---|---|---|---|",
    ]
    for test in tests:
        seeds = ", ".join(str(one["seed"]) for one in test["by_seed"])
        right = "; ".join(
            f"{one['only_first_right']}, {one['only_second_right']} ({_p(one['mcnemar_p'])})" for one in test["by_seed"]
        )
        cells = [_gap(test["auc_difference"]), _gap(test["accuracy_difference"]), right]
        lines.append(f"| {test['network']} | {test['judge']} | {seeds} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _gap(difference: dict[str, float]) -> str:
    """With its interval; in bold where that leaves out 0."""
    low, high = difference["low"], difference["high"]
    text = f"{difference['value']:+.4f} ({low:+.4f} to {high:+.4f})"
    return f"**{text}**" if low > 0 or high < 0 else text


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def recipes_table(compared: dict[str, Any]) -> str:
    """Markdown: the figures of the base recipe, and how far each other one lies from it, a line each.

    Args:
        compared: as in `recipes.json`.
    """
    judges = list(compared["rows"][0]["judges"])
    heads = [f"{head}, {judge}" for head in ("AUC", "three classes") for judge in judges]
    lines = [f"| recipe | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    for row in compared["rows"]:
        side, sign = ("figures", "") if row["recipe"] == REFERENCE_RECIPE else ("differences", "+")
        found = [row["judges"][judge][side][figure] for figure in RECIPE_FIGURES for judge in judges]
        cells = " | ".join(f"{value['mean']:{sign}.4f} ± {value['spread']:.4f}" for value in found)
        lines.append(f"| {row['recipe']} | {cells} |")
    return "\n".join([*lines, "", _recipes_note(compared)]) + "\n"


def _recipes_note(compared: dict[str, Any]) -> str:
    seeds = ", ".join(map(str, compared["seeds"]))
    return (
        f"First line: mean ± standard deviation over seeds {seeds}, {compared['epochs']} epochs, float. Others: the "
        f"same of the difference to it with the same seed. {_made_by(compared)}"
    )
