"""The bundle: a .tflite file with a ZIP appended to the model, and its .sha256 file.

Any TFLite runtime loads the file as it is; the ZIP holds what the kit needs to trust it:

    card.json       the model card for programs (`edge_app.model.card`)
    labels.txt      one label per line, in the order of the logits
    golden.npz      a few phantom films, and the outputs expected of each family of kernels
    MODEL_CARD.md   the model card as text

A file that does not match its hash, card or golden outputs is refused before it scores a film.
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_app.errors import BundleError
from edge_app.imaging.preprocess import PREPROCESSING_ID, PREPROCESSING_VERSION, to_model_pixels
from edge_app.model.card import ModelCard, ModelIdentity
from edge_app.model.golden import OUTPUTS, Golden, check_outputs
from edge_app.model.runtimes.base import Runtime
from edge_app.model.runtimes.interpreter import Interpreter, Outputs
from edge_app.model.signature import signature_path
from edge_app.system.files import sha256_of, write_together

MODELS_DIR = Path(__file__).parents[1] / "models"
MEMBERS = ("card.json", "labels.txt", "golden.npz", "MODEL_CARD.md")
MAX_MEMBER_BYTES = 64 * 2**20  # a real one is smaller than one MiB
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed time, so that the same content gives the same bytes


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read, with the right hash, card and labels."""

    path: Path
    content: bytes
    sha256: str
    card: ModelCard
    golden: Golden

    @property
    def identity(self) -> ModelIdentity:
        """How answers, records and reports identify this model."""
        return ModelIdentity(self.card.name, self.card.version, self.sha256)

    @property
    def model(self) -> bytes:
        """The model without the appended ZIP."""
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            return self.content[: min(entry.header_offset for entry in archive.infolist())]

    @property
    def card_text(self) -> str:
        """The model card as text, Markdown."""
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            return archive.read("MODEL_CARD.md").decode("utf-8")


def sidecar_path(path: Path) -> Path:
    """The path of a bundle's hash."""
    return path.with_name(path.name + ".sha256")


def shipped_bundle_path() -> Path:
    """The bundle that came with the kit.

    Raises:
        BundleError: there is none, or more than one.
    """
    found = sorted(MODELS_DIR.glob("*.tflite"))
    if len(found) != 1:
        raise BundleError(f"{MODELS_DIR} holds {len(found)} models, expected 1: name one with --model")
    return found[0]


def write_bundle(
    path: Path,
    model: bytes,
    card: ModelCard,
    golden: Golden,
    card_text: str,
    sign: Callable[[bytes], bytes] | None = None,
) -> str:
    """Write a bundle and its hash, atomically; the same arguments give the same bytes.

    Args:
        sign: gives the signature of the file's bytes, which is written as `.sig` in the same folder.
    Returns:
        The SHA-256 of the file.
    Raises:
        OSError: the disk is full or read-only; what was there before is untouched.
    """
    content = io.BytesIO()
    content.write(model)
    members: tuple[str | bytes, ...] = (
        card.to_json(),
        "".join(f"{label}\n" for label in card.labels),
        _packed(golden),
        card_text,
    )
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, member in zip(MEMBERS, members, strict=True):
            entry = zipfile.ZipInfo(name, date_time=ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member)
    sha256 = sha256_of(content.getvalue())
    files = {path: content.getvalue(), sidecar_path(path): f"{sha256}  {path.name}\n".encode()}
    if sign:
        files[signature_path(path)] = sign(content.getvalue())
    write_together(files)
    if not sign:
        signature_path(path).unlink(missing_ok=True)  # of the previous bundle
    return sha256


def read_bundle(path: Path) -> Bundle:
    """Read a bundle and check everything that can be checked without running it.

    Raises:
        BundleError: the file, its hash, its ZIP or a member is missing, wrong or damaged, or the model was made
            for different preprocessing.
    """
    try:
        content = path.read_bytes()
        recorded = sidecar_path(path).read_text(encoding="ascii").split()
    except FileNotFoundError as cause:
        raise BundleError(f"{cause.filename} is missing: copy the model and its .sha256 together") from cause
    except (OSError, UnicodeDecodeError) as cause:
        raise BundleError(f"{path} cannot be read: {cause}") from cause
    sha256 = sha256_of(content)
    if not recorded or recorded[0] != sha256:
        got = recorded[0][:12] if recorded else "nothing"
        raise BundleError(
            f"{path.name} is damaged: its SHA-256 is {sha256[:12]}..., its .sha256 says {got}...: copy both again"
        )
    members = _members(path, content)
    card = ModelCard.from_json(members["card.json"])
    _check_labels(members["labels.txt"], card)
    _check_preprocessing(card)
    _check_gate(content, card)
    return Bundle(path, content, sha256, card, _unpacked(members["golden.npz"]))


def open_interpreter(bundle: Bundle, runtime: Runtime, threads: int = 1) -> Interpreter:
    """Load the bundle's model and check it against its card and its golden outputs.

    Raises:
        BundleError: the runtime refuses it, its input size is not the card's, or its outputs for the golden
            films are wrong.
    """
    interpreter = Interpreter(bundle.model, len(bundle.card.labels), runtime, threads)
    if interpreter.input_size_px != bundle.card.input_size_px:
        wanted, got = bundle.card.input_size_px, interpreter.input_size_px
        raise BundleError(f"card says {wanted}x{wanted}, model takes {got}x{got}: run convert again")
    check_golden(bundle, interpreter)
    return interpreter


def check_golden(bundle: Bundle, interpreter: Interpreter) -> int:
    """Check a loaded model against the bundle's golden outputs, along the whole path from film to output.

    Returns:
        The largest difference in steps (see `Golden`).
    Raises:
        BundleError: its outputs for the golden films are wrong.
    """
    family, name = interpreter.runtime.family, bundle.path.name
    if family not in bundle.golden.expected:
        raise BundleError(f"{name} has no golden outputs for {family}: run convert again")
    return check_outputs(
        run_all(interpreter, bundle.golden.films),
        bundle.golden.expected[family],
        bundle.golden.steps_allowed[family],
        f"{name} answers its golden films wrongly on {interpreter.runtime}",
    )


def run_all(interpreter: Interpreter, films: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    """The raw outputs of several films, stacked: the whole path from film to output."""
    size_px = interpreter.input_size_px
    outputs: list[Outputs] = [interpreter.run(to_model_pixels(film, size_px)) for film in films]
    return {name: np.stack([output.raw[name] for output in outputs]) for name in outputs[0].raw}


def _members(path: Path, content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if any(archive.getinfo(name).file_size > MAX_MEMBER_BYTES for name in MEMBERS):
                raise BundleError(
                    f"{path.name} unpacks to more than {MAX_MEMBER_BYTES // 2**20} MiB: it is not a bundle"
                )
            return {name: archive.read(name) for name in MEMBERS}
    except BundleError:
        raise
    except (zipfile.BadZipFile, KeyError) as cause:
        raise BundleError(f"{path.name} is a bare model without card and golden outputs: run convert") from cause
    except Exception as cause:  # a malicious ZIP can raise anything
        raise BundleError(f"{path.name} is damaged after the model: {cause!r}: copy it again") from cause


def _check_labels(text: bytes, card: ModelCard) -> None:
    labels = tuple(text.decode("utf-8", errors="replace").split("\n")[:-1])
    if labels != card.labels:
        raise BundleError(f"labels.txt says {labels}, the card {card.labels}: run convert again")


def _check_preprocessing(card: ModelCard) -> None:
    wanted = (card.preprocessing_id, card.preprocessing_version)
    if wanted != (PREPROCESSING_ID, PREPROCESSING_VERSION):
        raise BundleError(
            f"model {card.name} was made for preprocessing {wanted[0]} {wanted[1]}, this kit has "
            f"{PREPROCESSING_ID} {PREPROCESSING_VERSION}: install the kit that came with the model"
        )


def _check_gate(content: bytes, card: ModelCard) -> None:
    """The card must describe this very model, with the threshold at which it passed its gate."""
    size, wanted = card.parity.get("model_bytes"), card.parity.get("model_sha256")
    if wanted is not None and (not isinstance(size, int) or wanted != sha256_of(content[:size])):
        raise BundleError(f"the card of {card.name} does not belong to the model in this file: run convert again")
    _, point = card.operating_point()
    passed_at = card.parity.get("threshold")
    if passed_at is not None and passed_at != point.threshold:
        raise BundleError(
            f"the card's threshold is {point.threshold}, its gate was passed at {passed_at}: run convert again"
        )


def _packed(golden: Golden) -> bytes:
    """A deterministic .npz; `np.savez` would write the time of day into it."""
    arrays = {f"film_{index}": film for index, film in enumerate(golden.films)}
    for family, outputs in golden.expected.items():
        arrays[f"{family}.steps_allowed"] = np.array(golden.steps_allowed[family])
        arrays |= {f"{family}.{name}": output for name, output in outputs.items()}
    content = io.BytesIO()
    # Stored, not deflated: the bundle's own ZIP compresses it, and only once.
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", date_time=ZIP_EPOCH), member.getvalue())
    return content.getvalue()


def _unpacked(content: bytes) -> Golden:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            named = dict(arrays)
        films, expected, steps_allowed = _sorted_out(named)
    except Exception as cause:  # as in _members: an array's header can be made to break numpy
        raise BundleError(f"golden.npz is damaged: {cause!r}: copy the model again") from cause
    if not films or not expected or set(expected) != set(steps_allowed):
        raise BundleError("golden.npz is incomplete: run convert again")
    if any(film.dtype != np.uint8 or film.ndim != 2 or not film.size for film in films):
        raise BundleError("golden.npz holds films that are not 8-bit grayscale: run convert again")
    if any("logits" not in outputs or not OUTPUTS.issuperset(outputs) for outputs in expected.values()):
        raise BundleError(f"golden.npz holds outputs other than {', '.join(sorted(OUTPUTS))}: run convert again")
    return Golden(films=films, expected=expected, steps_allowed=steps_allowed)


def _sorted_out(
    named: dict[str, np.ndarray],
) -> tuple[tuple[np.ndarray, ...], dict[str, dict[str, np.ndarray]], dict[str, int]]:
    films = tuple(named[name] for name in sorted(named) if name.startswith("film_"))
    expected: dict[str, dict[str, np.ndarray]] = {}
    steps_allowed: dict[str, int] = {}
    for name, array in named.items():
        family, _, output = name.partition(".")
        if output == "steps_allowed":
            steps_allowed[family] = int(array.item())
        elif output:
            expected.setdefault(family, {})[output] = array
    return films, expected, steps_allowed
