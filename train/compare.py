"""Networks side by side, each over several seeds: the figures and how far they scatter."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.files import write_atomically
from train.comparison import arch_rows, table
from train.fit import METRICS, FitOptions, fit
from train.networks import find_architecture
from train.run import RUN


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
        source = find_architecture(arch).source
        rows += arch_rows(arch, source, [_metrics(options, arch, seed) for seed in options.seeds])
    write_atomically(options.out / "compare.json", (json.dumps(rows, indent=1) + "\n").encode())
    write_atomically(options.out / "compare.md", (table(rows) + "\n").encode())
    return rows


def _metrics(options: CompareOptions, arch: str, seed: int) -> dict[str, Any]:
    folder = options.out / f"{arch}-{seed}"
    if not (folder / METRICS).exists():
        print(f"compare: training {arch} with seed {seed} in {folder}", file=sys.stderr, flush=True)
        fit(FitOptions(out=folder, data=options.data, arch=arch, epochs=options.epochs, seed=seed, resume=True))
    metrics, run = (json.loads((folder / name).read_text(encoding="utf-8")) for name in (METRICS, RUN))
    return metrics | {"manifest_sha256": run["manifest_sha256"]}
