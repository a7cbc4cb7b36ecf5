"""`doctor`: is this machine ready to train, and how long will an epoch take here?"""

import argparse
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from train.commands.options import registered, whole

PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "keras-tuner", "ai-edge-litert", "scikit-learn")
SHIPPED_FILMS = 4426  # that the network that ships was trained on
STEPS, GIB = 9, 2**30
HELP = "say what there is to train with here: TensorFlow, GPU, memory, disk, and how long an epoch takes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    networks = registered("train/networks/*.py", "NETWORKS")
    parser.add_argument("--arch", default="compact", metavar="NETWORK", help=f"one of {networks} (default: compact)")
    parser.add_argument("--data", action="append", metavar="DIR", help="count the films there; none is read")
    parser.add_argument(
        "--films", type=whole(1), metavar="N", help="or take this many (default: 4426, as for the network that ships)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Look, time a few steps, and print.

    Returns:
        0 if the machine can train, 1 if a package is missing.
    """
    from train.evaluation.run_record import package_version

    packages = {name: package_version(name) for name in PACKAGES}
    missing = [name for name, version in packages.items() if not version]
    found: dict[str, Any] = {"packages": {name: version for name, version in packages.items() if version}}
    found |= {"missing": missing, "free_gib": shutil.disk_usage(Path()).free / GIB}
    found["memory_gib"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    if not missing:
        found |= _timed(args)
    print(json.dumps(found) if args.json else "\n".join(f"{name:18} {value}" for name, value in _lines(found)))
    return int(bool(missing))


def _timed(args: argparse.Namespace) -> dict[str, Any]:
    """The machine, and the time of an epoch: a few steps on noise, batches made as in a training."""
    import numpy as np

    from train.data.loading import LoadedFilms
    from train.data.sources import find_data
    from train.data.whole_films import MARGIN_DIVISOR
    from train.evaluation.run_record import machine
    from train.keras import keras
    from train.networks import find_architecture
    from train.training.batches import BatchOptions, one_hot, training_batches

    architecture = find_architecture(args.arch)
    films = args.films or (len(find_data(args.data).films) if args.data else SHIPPED_FILMS)
    side_px, batch = architecture.input_size_px, architecture.batch_size
    wide_px = side_px + 2 * (side_px // MARGIN_DIVISOR)
    noise = np.random.default_rng(0).integers(0, 256, (batch, wide_px, wide_px), dtype=np.uint8)
    drawn = LoadedFilms((), noise[:, :side_px, :side_px], np.arange(batch) % 3, (), (None,) * batch)
    options = BatchOptions(side_px, batch, epochs=STEPS, seed=0, steps=1)
    batches = iter(training_batches(drawn, noise, one_hot(drawn.classes, 3), options))
    model = architecture.build(side_px, 3)
    model.compile("adam", {"logits": keras.losses.CategoricalCrossentropy(from_logits=True)})
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        pixels, targets, weights = next(batches)
        model.train_on_batch(pixels, {"logits": targets}, weights)
        seconds.append(time.perf_counter() - started)
    steps = architecture.steps_per_epoch or max(1, films // batch)
    return {
        "machine": machine(),
        "arch": args.arch,
        "films": films,
        "epochs": architecture.epochs,
        "films_gib": films * (wide_px**2 + side_px**2) / GIB,
        "epoch_seconds": float(np.median(seconds[STEPS // 3 :])) * steps,  # the first steps compile
    }


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    lines = list(found["packages"].items())
    lines += [(name, "missing: pip install 'cxr-edge-kit[train]'") for name in found["missing"]]
    lines += [("memory", f"{found['memory_gib']:.1f} GiB"), ("free on this disk", f"{found['free_gib']:.1f} GiB")]
    if "machine" not in found:
        return lines
    machine, seconds = found["machine"], found["epoch_seconds"]
    gpus = ", ".join(machine["gpus"]) or "none that TensorFlow sees: it trains on the processor"
    lines += [("python", machine["python"]), ("processor", f"{machine['processor']}, {machine['cores']} cores")]
    lines += [("GPU", gpus), ("films in memory", f"{found['films_gib']:.1f} GiB")]
    epoch = f"about {seconds:.0f} s of training on {found['films']:,} films ({found['arch']}), and the evaluation"
    return [
        *lines,
        ("an epoch", epoch),
        ("a run", f"at most {found['epochs']} epochs: {seconds * found['epochs'] / 60:.0f} min"),
    ]
