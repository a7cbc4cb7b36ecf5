"""The bundle: a .tflite file with a ZIP appended to the model, and its .sha256 file.

Any TFLite runtime loads the file as it is; the ZIP holds what the kit needs to trust it:

    card.json       the model card for programs (`edge_app.model.card`)
    labels.txt      one label per line, in the order of the logits
    golden.npz      a few phantom films, and the outputs expected of each family of kernels
    MODEL_CARD.md   the model card as text
    locator.tflite  the network that finds the lungs, for a model that sees only them

A file that does not match its hash, card or golden outputs is refused before it scores a film.
"""

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge_app.errors import BundleError, FilmRefused
from edge_app.imaging.lung_field import LungField
from edge_app.imaging.preprocess import LUNG_FIELD, WHOLE_FILM
from edge_app.model.card import ModelCard, ModelIdentity
from edge_app.model.golden import (
    NOT_HERE,
    ZIP_EPOCH,
    Golden,
    check_field,
    check_outputs,
    packed_golden,
    unpacked_golden,
)
from edge_app.model.locator import Locator
from edge_app.model.preparation import Located, Preparation
from edge_app.model.runtimes.base import Runtime
from edge_app.model.runtimes.interpreter import Interpreter, Outputs
from edge_app.model.signature import signature_path
from edge_app.model.zip_member import open_zip, unpacked
from edge_app.system.files import sha256_of, write_together

T = TypeVar("T")
MODELS_DIR = Path(__file__).parents[1] / "models"
MEMBERS = ("card.json", "labels.txt", "golden.npz", "MODEL_CARD.md")
LOCATOR = "locator.tflite"
# What is read at most; the shipped bundle has 0.3 MiB.
MAX_BUNDLE_BYTES = 256 * 2**20
MAX_MEMBERS_BYTES = 32 * 2**20  # all members together, unpacked
MAX_SIDECAR_BYTES = 2**10


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read, with the right hash, card and labels."""

    path: Path
    content: bytes
    sha256: str
    card: ModelCard
    golden: Golden
    locator: bytes | None  # None for a model that sees whole films

    @property
    def identity(self) -> ModelIdentity:
        """How answers, records and reports identify this model."""
        return ModelIdentity(self.card.name, self.card.version, self.sha256)

    @property
    def model(self) -> bytes:
        """The model without the appended ZIP."""
        with open_zip(self.content) as archive:
            return self.content[: min(entry.header_offset for entry in archive.infolist())]

    @property
    def card_text(self) -> str:
        """The model card as text, Markdown."""
        return unpacked(self.content, MAX_MEMBERS_BYTES)["MODEL_CARD.md"].decode("utf-8", errors="replace")


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
    locator: bytes | None = None,
    sign: Callable[[bytes], bytes] | None = None,
) -> str:
    """Write a bundle and its hash, atomically; the same arguments give the same bytes.

    Args:
        locator: the .tflite file whose hash is in the card.
        sign: gives the signature of the file's bytes, which is written as `.sig` in the same folder.
    Returns:
        The SHA-256 of the file.
    Raises:
        OSError: the disk is full or read-only; what was there before is untouched.
    """
    content = io.BytesIO()
    content.write(model)
    texts = (card.to_json(), "".join(f"{label}\n" for label in card.labels), packed_golden(golden), card_text)
    members: dict[str, str | bytes] = dict(zip(MEMBERS, texts, strict=True))
    if locator:
        members[LOCATOR] = locator
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, member in members.items():
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
        content = _head(path, MAX_BUNDLE_BYTES)
        recorded = _head(sidecar_path(path), MAX_SIDECAR_BYTES).decode("ascii").split()
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
    locator = members.get(LOCATOR)
    _check_preprocessing(card)
    _check_locator(card, locator)
    _check_gate(content, card)
    golden = unpacked_golden(members["golden.npz"])
    if bool(golden.fields) != bool(locator):
        raise BundleError("golden.npz does not fit the model, one of them has no lung fields: run convert again")
    return Bundle(path, content, sha256, card, golden, locator)


@dataclass(frozen=True)
class OpenedModel:
    """A bundle's networks in one runtime: the classifier, and how films are prepared for it."""

    classifier: Interpreter
    preparation: Preparation


def open_model(bundle: Bundle, runtime: Runtime, threads: int = 1) -> OpenedModel:
    """Load the bundle's networks and check them against its card and its golden outputs.

    Raises:
        BundleError: the runtime refuses a network, an input size is not the card's, or the outputs for the
            golden films are wrong.
    """
    classifier = _loaded(
        bundle, "classifier", lambda: Interpreter(bundle.model, len(bundle.card.labels), runtime, threads)
    )
    _check_size("model", bundle.card.input_size_px, classifier.input_size_px)
    locator = None
    if content := bundle.locator:
        locator = _loaded(bundle, "locator", lambda: Locator(content, runtime, threads))
        _check_size("locator", bundle.card.locator.get("input_size_px"), locator.input_size_px)
    opened = OpenedModel(classifier, Preparation(bundle.card.input_size_px, locator))
    check_golden(bundle, opened)
    return opened


def check_golden(bundle: Bundle, opened: OpenedModel) -> int:
    """Check a loaded model against the bundle's golden outputs, along the whole path from film to output.

    Returns:
        The largest difference in steps (see `Golden`).
    Raises:
        BundleError: its lung fields or outputs for the golden films are wrong.
    """
    return max(check_golden_film(bundle, opened, index)[1] for index in range(len(bundle.golden.films)))


def check_golden_film(bundle: Bundle, opened: OpenedModel, index: int) -> tuple[Outputs, int]:
    """Check one golden film; the classifier is given the golden lung field.

    Returns:
        The outputs, and the largest difference in steps.
    Raises:
        BundleError: as `check_golden`.
    """
    golden, runtime = bundle.golden, opened.classifier.runtime
    film, family, name = golden.films[index], runtime.family, bundle.path.name
    complaint = f"{name} answers its golden films wrongly on {runtime}"
    if family not in golden.expected:
        raise BundleError(f"{name} has no golden outputs for {family}: run convert again")
    whole, located = opened.preparation.whole(film), None
    if golden.fields:
        expected_field = LungField(*map(int, golden.fields[family][index]))
        try:
            found = opened.preparation.locate(opened.preparation.coverage(whole), film)
        except FilmRefused as cause:
            raise BundleError(f"{complaint}: no lungs were found: {NOT_HERE}") from cause
        if found is None:
            raise BundleError(f"{name} has golden lung fields and no locator: run convert again")
        check_field(found.field, expected_field, film, complaint)
        located = Located(expected_field)
    outputs = opened.classifier.run(opened.preparation.pixels(film, whole, located))
    expected = {output: films[index] for output, films in golden.expected[family].items()}
    return outputs, check_outputs(outputs.raw, expected, golden.steps_allowed[family], complaint)


def _loaded(bundle: Bundle, network: str, load: Callable[[], T]) -> T:
    try:
        return load()
    except BundleError as cause:
        raise BundleError(f"the {network} of {bundle.path.name}: {cause}: copy or convert the model again") from cause


def _check_size(network: str, wanted: object, got: int) -> None:
    if wanted != got:
        raise BundleError(f"card says {wanted}x{wanted}, {network} takes {got}x{got}: run convert again")


def _head(path: Path, most_bytes: int) -> bytes:
    """The bytes of a file that is not larger than it may be."""
    if not path.is_file() and path.exists():
        raise BundleError(f"{path} is no file")
    with path.open("rb") as file:
        # Not `most_bytes`: what is asked for is allocated before it is read, more than a small device has.
        content = file.read(min(os.fstat(file.fileno()).st_size, most_bytes) + 1)
    if len(content) > most_bytes:
        raise BundleError(f"{path} has more than {most_bytes} bytes: it is not part of a bundle")
    return content


def _members(path: Path, content: bytes) -> dict[str, bytes]:
    try:
        members = unpacked(content, MAX_MEMBERS_BYTES)
        return {name: members[name] for name in (*MEMBERS, *({LOCATOR} & set(members)))}
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
    if wanted not in (WHOLE_FILM, LUNG_FIELD):
        raise BundleError(
            f"model {card.name} was made for preprocessing {wanted[0]} {wanted[1]}, this kit has "
            f"{WHOLE_FILM[0]} {WHOLE_FILM[1]} and {LUNG_FIELD[0]} {LUNG_FIELD[1]}: "
            "install the kit that came with the model"
        )


def _check_locator(card: ModelCard, locator: bytes | None) -> None:
    """A model that sees lung fields must come with the very locator that its films were cropped with."""
    wanted = card.locator.get("sha256") if card.preprocessing_id == LUNG_FIELD[0] else None
    got = sha256_of(locator) if locator else None
    if wanted != got or (card.preprocessing_id == LUNG_FIELD[0] and locator is None):
        raise BundleError(
            f"the locator in the file has the SHA-256 {str(got)[:12]}, the card of {card.name} says "
            f"{str(wanted)[:12]}: it is damaged or of another bundle: run convert again"
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
