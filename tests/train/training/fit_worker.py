"""A training that loses power, and continues where it was: fit_worker.py OUT DATA PLACE, where PLACE is one of

`never`, `step N` (after the N-th batch), `torn N` (half of the N-th saved model is written),
`saved N` (the N-th model has just been saved) or `full N` (after the N-th batch the disk has no room for a model).
"""

import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path

from tiny_network import TINY

from train.networks import ARCHITECTURES
from train.training import callbacks, checkpoint
from train.training.fit import FitOptions, fit


def lose_power() -> None:
    """No handler, no flush, no `finally`."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(out: str, data: str, place: str, number: int) -> None:
    """Train until the power is lost."""
    counts = {"step": 0, "save": 0}
    save = checkpoint.save_model

    def counted_step(bar: callbacks.ProgressBar, batch: int, logs: dict | None = None) -> None:
        counts["step"] += 1
        if place == "step" and counts["step"] == number:
            lose_power()
        if place == "full" and counts["step"] == number:
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    def counted_save(model: object, path: Path) -> None:
        counts["save"] += 1
        if place == "torn" and counts["save"] == number:
            beside = path.with_name(f".new-{path.name}")
            model.save(beside)
            beside.write_bytes(beside.read_bytes()[: beside.stat().st_size // 2])
            lose_power()
        save(model, path)
        if place == "saved" and counts["save"] == number:
            lose_power()

    callbacks.ProgressBar.on_train_batch_end = counted_step
    checkpoint.save_model = counted_save
    ARCHITECTURES["tiny"] = TINY
    options = FitOptions(out=Path(out), data=data, arch="tiny", epochs=3, batch_size=16, overwrite=True)
    fit(replace(options, resume=(options.out / checkpoint.FOLDER / checkpoint.LAST).exists()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
