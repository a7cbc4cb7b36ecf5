"""Networks side by side, each over several seeds: the figures and how far they scatter."""

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.files import write_atomically
from train.fit import METRICS, FitOptions, fit
from train.networks import find_architecture

FIGURES = ("auc", "accuracy", "recall", "specificity", "class_accuracy")


@dataclass(frozen=True)
class CompareOptions:
    """What `train compare` was asked for."""

    out: Path
    archs: tuple[str, ...] = ("compact",)
    seeds: tuple[int, ...] = (0, 1, 2)
    data: str | None = None
    epochs: int = 0


def compare(options: CompareOptions) -> list[dict[str, Any]]:
    """Train what is not trained yet, and put the figures side by side.

    A run that is finished in its folder, `OUT/ARCH-SEED`, is not trained again; one that was
    interrupted is resumed.

    Returns:
        One row for each network and judge.
    Raises:
        DataError: no such network, or films that are missing or unfit.
    """
    for arch in options.archs:
        find_architecture(arch)
    rows = []
    for arch in options.archs:
        rows += arch_rows(arch, [_metrics(options, arch, seed) for seed in options.seeds])
    write_atomically(options.out / "compare.json", (json.dumps(rows, indent=1) + "\n").encode())
    write_atomically(options.out / "compare.md", (table(rows) + "\n").encode())
    return rows


def arch_rows(arch: str, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One network's rows, from the metrics of its runs.

    Raises:
        DataError: the runs validated different films, so that they cannot be compared.
    """
    if len({run["manifest_sha256"] for run in runs}) > 1:
        raise DataError(f"the runs of {arch} were cut differently: remove their folders and run compare again")
    return [
        {
            "arch": arch,
            "source": find_architecture(arch).source,
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


def _metrics(options: CompareOptions, arch: str, seed: int) -> dict[str, Any]:
    folder = options.out / f"{arch}-{seed}"
    if not (folder / METRICS).exists():
        print(f"compare: training {arch} with seed {seed} in {folder}", file=sys.stderr, flush=True)
        return fit(FitOptions(out=folder, data=options.data, arch=arch, epochs=options.epochs, seed=seed, resume=True))
    return json.loads((folder / METRICS).read_text(encoding="utf-8"))
