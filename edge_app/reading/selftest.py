"""Replays a model's golden films on this device, along the same path as any other film."""

import io
import platform
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edge_app.imaging.film import read_film
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.bundle import Bundle, open_interpreter
from edge_app.model.golden import check_outputs
from edge_app.model.runtimes.interpreter import Interpreter
from edge_app.model.runtimes.registry import load_runtime
from edge_app.reading.decision import decide
from edge_app.system.clock import boot_id
from edge_app.version import __version__

DEVICE_MODEL = Path("/proc/device-tree/model")


def replay(bundle: Bundle) -> dict[str, Any]:
    """Read every golden film from the bytes of a file, score it, and compare with what is expected.

    Returns:
        What `selftest --json` prints, without the status.
    Raises:
        BundleError: an output is off by more steps than the bundle allows.
    """
    runtime = load_runtime()
    interpreter = open_interpreter(bundle, runtime)
    golden = [_replay_one(bundle, interpreter, index) for index in range(len(bundle.golden.films))]
    return {
        "model": asdict(bundle.identity) | {"phantom": bundle.card.phantom},
        "runtime": str(runtime),
        "kernels": runtime.family,
        "kit": __version__,
        "device": device(),
        "films": len(golden),
        "steps_off": max(film["steps_off"] for film in golden),
        "steps_allowed": bundle.golden.steps_allowed[runtime.family],
        "golden": golden,
    }


def _replay_one(bundle: Bundle, interpreter: Interpreter, index: int) -> dict[str, Any]:
    runtime = interpreter.runtime
    expected = {name: films[index] for name, films in bundle.golden.expected[runtime.family].items()}
    allowed, complaint = bundle.golden.steps_allowed[runtime.family], f"{bundle.path.name} on {runtime}"
    film = read_film(_as_file(bundle.golden.films[index]))
    outputs = interpreter.run(to_model_pixels(film.pixels, bundle.card.input_size_px))
    decision = decide(outputs.logits, bundle.card)
    return {
        "decision": decision.decision,
        "p_pneumonia": decision.p_finding,
        "steps_off": check_outputs(outputs.raw, expected, allowed, complaint),
        "logits": outputs.raw["logits"].tolist(),
    }


def _as_file(film: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(film).save(content, "PNG")
    return content.getvalue()


def device() -> dict[str, str]:
    """What this machine is. A Pi without a clock chip may have the wrong time, so the boot ID is given too."""
    return {
        "model": _first_line(DEVICE_MODEL) or platform.processor() or "unknown",
        "machine": platform.machine(),
        "name": platform.node(),
        "python": platform.python_version(),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "boot_id": boot_id() or "unknown",
    }


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""
