"""Replays a model's golden films on this device, along the same path as any other film."""

import io
import platform
from dataclasses import asdict, astuple
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edge_app.errors import BundleError
from edge_app.imaging.film import read_film
from edge_app.model.bundle import Bundle, OpenedModel, check_golden_film, open_model
from edge_app.model.golden import NOT_HERE
from edge_app.model.runtimes.registry import load_runtime
from edge_app.reading.decision import decide
from edge_app.system.clock import boot_id
from edge_app.version import __version__

DEVICE_MODEL = Path("/proc/device-tree/model")


def replay(bundle: Bundle) -> dict[str, Any]:
    """Read every golden film from the bytes of a file, score it, and compare with what is expected.

    Returns:
        What `selftest --json` prints of them.
    Raises:
        BundleError: an output is off by more steps than the bundle allows.
    """
    runtime = load_runtime()
    opened = open_model(bundle, runtime)
    golden = [_replay_one(bundle, opened, index) for index in range(len(bundle.golden.films))]
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


def _replay_one(bundle: Bundle, opened: OpenedModel, index: int) -> dict[str, Any]:
    expected, steps_off = check_golden_film(bundle, opened, index)
    film = read_film(_as_file(bundle.golden.films[index])).pixels
    pixels, located = opened.preparation.prepare(film)
    outputs = opened.classifier.run(pixels)
    decision, wanted = (decide(each.logits, bundle.card).decision for each in (outputs, expected))
    if decision != wanted:
        raise BundleError(f"golden film {index} is {decision} from its file, expected {wanted}: {NOT_HERE}")
    return {
        "decision": decision,
        "p_pneumonia": decide(outputs.logits, bundle.card).p_finding,
        **({"lung_field": list(astuple(located.field))} if located else {}),
        "steps_off": steps_off,
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
