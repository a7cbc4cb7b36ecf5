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
    parser.add_argument("--normal", "--negative", dest="negative", default="", metavar="CLASS", help="as for fit")
    parser.add_argument("--films", type=whole(1), metavar="N", help="or take this many (default: 4426)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Look, time a few steps, and print.

    Returns:
        0 if the machine can train, 1 if a package is missing.
    """
    from train.evaluation.run_record import package_version

    packages = {name: package_version(name) for name in PACKAGES}
    missing = [name for name, version in packages.items() if not version]
    found: dict[str, Any] = {name: version for name, version in packages.items() if version}
    found |= {"missing packages": missing, "free disk (GiB)": shutil.disk_usage(Path()).free / GIB}
    found["memory (GiB)"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    if not missing:
        found |= _timed(args)
    print(json.dumps(found) if args.json else "\n".join(_line(*one) for one in found.items()))
    return int(bool(missing))


def _line(name: str, value: Any) -> str:
    words = ", ".join(value) or "none" if isinstance(value, list) else value
    return f"{name:32} {words:.1f}" if isinstance(words, float) else f"{name:32} {words}"


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
    films = args.films or (len(find_data(args.data, negative=args.negative).films) if args.data else SHIPPED_FILMS)
    side_px, batch = architecture.input_size_px, architecture.batch_size
    wide_px = side_px + 2 * (side_px // MARGIN_DIVISOR)
    noise = np.random.default_rng(0).integers(0, 256, (batch, wide_px, wide_px), dtype=np.uint8)
    drawn = LoadedFilms((), noise[:, :side_px, :side_px], np.arange(batch) % 3, (), (None,) * batch)
    options = BatchOptions(side_px, batch, epochs=STEPS, seed=0, steps=1)
    model = architecture.build(side_px, 3)
    model.compile("adam", {"logits": keras.losses.CategoricalCrossentropy(from_logits=True)})
    times = [time.perf_counter()]
    for pixels, targets, weights in training_batches(drawn, noise, one_hot(drawn.classes, 3), options):
        model.train_on_batch(pixels, {"logits": targets}, weights)
        times.append(time.perf_counter())
    step_seconds = float(np.median(np.diff(times)[STEPS // 3 :]))  # the first steps compile
    return machine() | {
        "network": args.arch,
        "films": films,
        "epochs at most": architecture.epochs,
        "seconds of training in an epoch": step_seconds * (architecture.steps_per_epoch or max(1, films // batch)),
    }
