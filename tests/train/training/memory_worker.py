"""A training whose memory is watched: memory_worker.py DATA OUT EPOCHS prints what it needed.

memory_worker.py draw DATA TRAINING-FILMS VALIDATION-FILMS draws the films: a few drawings, each with the film's number
in a corner, so that no two have the same pixels.
"""

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom

DRAWINGS = 20  # of each class
STYLE = PhantomStyle(noise=0.0)
SIDE_PX = 112  # of the network that ships


def draw(folder: Path, training: int, validation: int) -> None:
    """Write so many films in a folder for each part and class."""
    drawn = {label: [draw_phantom(label, seed, STYLE) for seed in range(DRAWINGS)] for label in LABELS}
    for part in ("train", "val"):
        for label in LABELS:
            (folder / part / label).mkdir(parents=True)
    for number in range(training + validation):
        part = "train" if number < training else "val"
        label = LABELS[number % len(LABELS)]
        film = drawn[label][number // len(LABELS) % DRAWINGS].copy()
        film[-1, :3] = number >> 16, number >> 8 & 255, number & 255
        Image.fromarray(film).save(folder / part / label / f"{number}.png", compress_level=1)


def own_mib(name: str = "RssAnon") -> float:
    """Memory of this process that is no file's: the pages of a mapped file can be dropped at any time."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def main(data: str, out: str, epochs: int) -> None:
    """Train the tiny network with the input of the one that ships, and watch."""
    from tiny_network import TINY

    from train.keras import tf
    from train.networks import ARCHITECTURES
    from train.training.fit import FitOptions, fit

    tf.constant(np.zeros(1)) + 1
    found = {"tensorflow_mib": own_mib(), "peak_mib": 0.0, "peak_with_files_mib": 0.0}

    def watch() -> None:
        while True:
            found["peak_mib"] = max(found["peak_mib"], own_mib())
            found["peak_with_files_mib"] = max(found["peak_with_files_mib"], own_mib("VmRSS"))
            time.sleep(0.05)

    threading.Thread(target=watch, daemon=True).start()
    ARCHITECTURES["tiny"] = TINY
    started = time.monotonic()
    metrics = fit(FitOptions(Path(out), data, "tiny", epochs, batch_size=64, input_size_px=SIDE_PX))
    films = metrics["training_films"] + metrics["validation_films"]
    print(json.dumps({"films": films, "epochs": epochs, "seconds": time.monotonic() - started} | found))


if __name__ == "__main__":
    if sys.argv[1] == "draw":
        draw(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
