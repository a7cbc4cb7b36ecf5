"""Golden outputs: what a model must output on this device, and the one check of its outputs."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np

from edge_app.errors import BundleError
from edge_app.imaging.lung_field import STEPS, LungField

OUTPUTS = frozenset({"logits", "class_map", "features"})
FLOAT_STEP = 1e-3
NOT_HERE = "do not use this model on this machine"


@dataclass(frozen=True)
class Golden:
    """What the model must output on this device.

    `films` are uint8 phantoms (height, width). `expected` maps a family of kernels to the outputs
    of every film, `{"logits": (films, classes), ...}`, as the file computes them. `steps_allowed`
    says how far an output may be off: in steps of int8, or for a float file multiples of 1e-3.
    `fields` maps a family to the lung field of every film, int64 (films, 4): left, top, right and bottom in
    pixels; empty for a model that sees whole films.
    """

    films: tuple[np.ndarray, ...]
    expected: dict[str, dict[str, np.ndarray]]
    steps_allowed: dict[str, int]
    fields: dict[str, np.ndarray]


def check_outputs(
    got: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    allowed: int,
    complaint: str,
    advice: str = NOT_HERE,
) -> int:
    """Compare outputs with the golden ones.

    Args:
        got, expected: by name, as the file computes them; each expected output must be present.
        allowed: how many steps (see `Golden`) an output may be off.
        complaint, advice: how the message of a refusal begins and ends.
    Returns:
        The largest difference in steps.
    Raises:
        BundleError: more than `allowed`, another shape or type, or outputs that are not finite.
    """
    if missing := expected.keys() - got.keys():
        raise BundleError(f"{complaint}: it gives no {' and no '.join(sorted(missing))}: {advice}")
    off = max(_steps_between(got[name], expected[name]) for name in expected)
    if off > allowed:
        raise BundleError(f"{complaint}: off by {off} steps, at most {allowed} are allowed: {advice}")
    return off


def check_field(got: LungField, expected: LungField, film: np.ndarray, complaint: str) -> None:
    """Compare a lung field with the golden one: each end may be off by one step of `edge_app.imaging.lung_field`.

    Raises:
        BundleError: an end is off by more.
    """
    height_px, width_px = film.shape
    allowed = np.array([-(-side // STEPS) for side in (width_px, height_px, width_px, height_px)])
    if (np.abs(np.array(astuple(got)) - np.array(astuple(expected))) > allowed).any():
        raise BundleError(f"{complaint}: the lung field is {astuple(got)}, expected {astuple(expected)}: {NOT_HERE}")


def _steps_between(got: np.ndarray, expected: np.ndarray) -> int:
    if got.shape != expected.shape or got.dtype != expected.dtype:
        raise BundleError(
            f"golden outputs are {expected.dtype} {expected.shape}, the model gives {got.dtype} {got.shape}"
        )
    difference = np.abs(got.astype(np.float64) - expected.astype(np.float64)).max(initial=0.0)
    if not np.isfinite(difference):
        raise BundleError("the model gives outputs that are not finite: run convert again")
    return int(difference if np.issubdtype(got.dtype, np.integer) else difference / FLOAT_STEP)
