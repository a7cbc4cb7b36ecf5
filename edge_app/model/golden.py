"""Golden outputs: what a model must output on this device, how a bundle holds it, and the one check of outputs."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np

from edge_app.errors import BundleError
from edge_app.imaging.lung_field import STEPS, LungField
from edge_app.model.zip_member import unpacked

OUTPUTS = frozenset({"logits", "class_map", "features"})
FLOAT_STEP = 1e-3
NOT_HERE = "do not use this model on this machine"
FILM, FIELDS = "film_", "lung_field"  # how golden.npz names its films, and their lung fields
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed time, so that the same content gives the same bytes
# What golden.npz may hold. `convert` writes three films of 96 pixels a side, about 30 kB in all.
MAX_GOLDEN_BYTES = 8 * 2**20  # all arrays together, unpacked
MAX_FILMS = 16
FILM_SIDES_PX = (32, 1024)
MAX_STEPS = 255


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


def packed_golden(golden: Golden) -> bytes:
    """A deterministic .npz; `np.savez` would write the time of day into it."""
    arrays = {f"{FILM}{index}": film for index, film in enumerate(golden.films)}
    for family, outputs in golden.expected.items():
        arrays[f"{family}.steps_allowed"] = np.array(golden.steps_allowed[family])
        arrays |= {f"{family}.{name}": output for name, output in outputs.items()}
    arrays |= {f"{family}.{FIELDS}": fields for family, fields in golden.fields.items()}
    content = io.BytesIO()
    # Stored, not deflated: the bundle's own ZIP compresses it, and only once.
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", date_time=ZIP_EPOCH), member.getvalue())
    return content.getvalue()


def unpacked_golden(content: bytes) -> Golden:
    """Read back what `packed_golden` wrote.

    Raises:
        BundleError: larger than the bounds of this module, damaged or incomplete.
    """
    try:
        named = {
            name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(member), allow_pickle=False)
            for name, member in unpacked(content, MAX_GOLDEN_BYTES).items()
        }
        fields = {name.partition(".")[0]: named.pop(name) for name in list(named) if name.endswith(f".{FIELDS}")}
        films, expected, steps_allowed = _sorted_out(named)
    except Exception as cause:  # a ZIP or an array's header can be made to break its reader
        raise BundleError(f"golden.npz is damaged: {cause!r}: copy the model again") from cause
    (low, high), count = FILM_SIDES_PX, len(films)
    outputs = [output for family in expected.values() for output in family.values()]
    for wrong, what in (
        (not films or not expected or set(expected) != set(steps_allowed), "is incomplete"),
        (any(film.dtype != np.uint8 or film.ndim != 2 for film in films), "holds films that are not 8-bit grayscale"),
        (count > MAX_FILMS, f"holds {count} films, expected at most {MAX_FILMS}"),
        (
            not all(low <= side <= high for film in films for side in film.shape),
            f"holds films of {[film.shape for film in films]}, expected sides from {low} to {high} pixels",
        ),
        (
            not all({"logits"} <= set(family) <= OUTPUTS for family in expected.values()),
            f"holds outputs other than {', '.join(sorted(OUTPUTS))}",
        ),
        (any(output.shape[:1] != (count,) for output in outputs), "has outputs that do not fit its films"),
        (not all(0 <= steps <= MAX_STEPS for steps in steps_allowed.values()), f"allows {steps_allowed} steps"),
        (
            set(fields) not in (set(), set(expected))
            or any(each.shape != (count, 4) or each.dtype != np.int64 for each in fields.values()),
            "has lung fields that do not fit its films",
        ),
    ):
        if wrong:
            raise BundleError(f"golden.npz {what}: run convert again")
    return Golden(films, expected, steps_allowed, fields)


def _sorted_out(
    named: dict[str, np.ndarray],
) -> tuple[tuple[np.ndarray, ...], dict[str, dict[str, np.ndarray]], dict[str, int]]:
    numbers = sorted(int(name.removeprefix(FILM)) for name in named if name.startswith(FILM))
    films = tuple(named[f"{FILM}{number}"] for number in numbers)
    expected: dict[str, dict[str, np.ndarray]] = {}
    steps_allowed: dict[str, int] = {}
    for name, array in named.items():
        family, _, output = name.partition(".")
        if output == "steps_allowed":
            steps_allowed[family] = int(array.item())
        elif output:
            expected.setdefault(family, {})[output] = array
    return films, expected, steps_allowed
