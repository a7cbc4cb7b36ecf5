"""Golden outputs: what a model must output on this device, and the one check of its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_app.errors import BundleError

OUTPUTS = frozenset({"logits", "class_map", "features"})
FLOAT_STEP = 1e-3
NOT_HERE = "do not use this model on this machine"


@dataclass(frozen=True)
class Golden:
    """What the model must output on this device.

    `films` are uint8 phantoms (height, width). `expected` maps a family of kernels to the outputs
    of every film, `{"logits": (films, classes), ...}`, as the file computes them. `steps_allowed`
    says how far an output may be off: in steps of int8, or for a float file multiples of 1e-3.
    """

    films: tuple[np.ndarray, ...]
    expected: dict[str, dict[str, np.ndarray]]
    steps_allowed: dict[str, int]


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
    off = max(_steps_between(got[name], expected[name]) for name in expected)
    if off > allowed:
        raise BundleError(f"{complaint}: off by {off} steps, at most {allowed} are allowed: {advice}")
    return off


def _steps_between(got: np.ndarray, expected: np.ndarray) -> int:
    if got.shape != expected.shape or got.dtype != expected.dtype:
        raise BundleError(
            f"golden outputs are {expected.dtype} {expected.shape}, the model gives {got.dtype} {got.shape}"
        )
    difference = np.abs(got.astype(np.float64) - expected.astype(np.float64)).max(initial=0.0)
    if not np.isfinite(difference):
        raise BundleError("the model gives outputs that are not finite: run convert again")
    return int(difference if np.issubdtype(got.dtype, np.integer) else difference / FLOAT_STEP)
