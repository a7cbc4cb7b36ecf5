"""The page gives the answer of `predict`: the same pixels, network outputs, decisions and refusals, to the bit."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dicom_files import dicom_bytes, encapsulated, picture_bytes
from PIL import Image
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from edge_app.imaging.film import read_film
from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.runtimes.interpreter import LoadedNetwork
from edge_app.model.runtimes.registry import load_runtime
from edge_app.reading.answer import as_json
from edge_app.reading.film_checks import AGE_UNKNOWN
from edge_app.reading.predictor import Predictor

FILM = draw_phantom("viral", 1, PhantomStyle(width_px=531, height_px=460))
DEEP = FILM.astype(np.uint16) * 16 + 8
TIMES = ("ms", "runtime")


@pytest.fixture(scope="module")
def predictor(bundle) -> Predictor:
    return Predictor(bundle, "ai-edge-litert")


def text_of(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def compare(phone: Any, predictor: Predictor, content: bytes) -> str:
    """Assert that the page answers as `predict` does, in code and sentence; returns the decision or that code."""
    answer = predictor.answer(content, read=read_film)
    expected = {name: value for name, value in as_json(answer).items() if name not in TIMES}
    if answer.film is not None:
        film = answer.film.pixels
        expected |= {"pixels_sha256": hashlib.sha256(film.tobytes()).hexdigest(), "shape": list(film.shape)}
    said = {name: value for name, value in phone.answer(content).items() if name not in TIMES}
    raw = said.pop("raw", None)
    if not answer.refusal and answer.film.age_years is None:  # nobody could say it to `predict`
        expected["warnings"] = [*expected["warnings"], AGE_UNKNOWN]
    if answer.refusal:
        sentence = answer.refusal.sentence.replace("JPEG, PNG, TIFF, BMP, WEBP and DICOM", "JPEG, PNG and DICOM")
        assert said["reason"] == {"code": answer.refusal.code, "sentence": sentence}
        assert said["status"] == answer.refusal.status
        assert said.get("pixels_sha256") == expected.get("pixels_sha256")
        return answer.refusal.code
    pixels, _ = predictor.preparation.prepare(answer.film.pixels)
    assert raw == {name: values.ravel().tolist() for name, values in predictor.infer(pixels).raw.items()}
    for name in ("p_pneumonia", "probabilities"):  # an exponential may differ in its last bit
        assert said.pop(name) == pytest.approx(expected.pop(name), abs=1e-12)
    assert said == expected
    return answer.decision.decision


def random_films(side: int, count: int) -> Iterator[np.ndarray]:
    """Noise, blocks, washed-out noise and phantoms."""
    rng = np.random.default_rng(side)
    for index in range(count):
        if index % 4 == 0:
            yield rng.integers(0, 256, (side, side), dtype=np.uint8)
        elif index % 4 == 1:
            yield np.kron(rng.integers(0, 256, (side // 8, side // 8)), np.ones((8, 8))).astype(np.uint8)
        elif index % 4 == 2:
            noise = rng.normal(rng.uniform(0, 255), rng.uniform(1, 100), (side, side))
            yield np.clip(noise, 0, 255).astype(np.uint8)
        else:
            yield to_model_pixels(draw_phantom("bacterial", index, PhantomStyle(width_px=200, height_px=180)), side)


@pytest.mark.parametrize("count", [24, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["classifier", "locator"])
def test_networks_give_the_bits_of_litert(phone, bundle, name, count):
    model = bundle.model if name == "classifier" else bundle.locator
    network = LoadedNetwork(model, load_runtime("ai-edge-litert"))
    script = """
        const network = reader[given[0]], films = bytes(given[1]), size = network.sidePx ** 2;
        const all = (film) => network.run(film).flatMap(({ values }) => Array.from(values));
        return text(Array.from({ length: films.length / size }, (_, film) =>
            all(films.subarray(film * size, (film + 1) * size))).flat());"""
    films = list(random_films(network.input_size_px, count))
    for start in range(0, count, 50):
        part = films[start : start + 50]
        expected = [np.concatenate([each.ravel() for each in network.run(film, network.outputs())]) for film in part]
        said = phone.run(script, name, text_of(np.stack(part)))
        assert base64.b64decode(said) == np.stack(expected).astype(np.int8).tobytes()


def scales_near_halves(model: bytes, films: np.ndarray, count: int) -> Iterator[np.float32]:
    """Scales of the features by which the mean over a map of these films lies within a step of float32 of a half."""
    module, rng = load_runtime("ai-edge-litert").module, np.random.default_rng(1)
    reference = {"experimental_op_resolver_type": module.OpResolverType.BUILTIN_REF}
    network = module.Interpreter(model_content=model, experimental_preserve_all_tensors=True, **reference)
    network.allocate_tensors()
    mean = network._get_ops_details()[-1]
    details = {each["index"]: each for each in network.get_tensor_details()}
    scale, zero = details[mean["inputs"][0]]["quantization"]
    sums = []
    for film in films:
        network.set_tensor(
            network.get_input_details()[0]["index"], (film.astype(int) - 128).astype(np.int8)[None, ..., None]
        )
        network.invoke()
        maps = network.get_tensor(mean["inputs"][0])[0].astype(int) - zero
        sums += [each for each in maps.sum((0, 1)).tolist() if each]
    for half in rng.integers(1, 120, count) + 0.5:
        near = np.float32(scale * rng.choice(sums) / (maps[..., 0].size * half))
        yield rng.choice([near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(1))])


def test_a_mean_near_a_half_is_rounded_as_litert_does(phone, bundle):
    """By other scales of the features: a film of noise once gave another bit, and only by one model's scale."""
    runtime = load_runtime("ai-edge-litert")
    network = LoadedNetwork(bundle.model, runtime)
    films = np.stack(list(random_films(network.input_size_px, 4)))
    written = np.float32(network.outputs()[-1]["quantization"][0]).tobytes()
    assert bundle.model.count(written) == 1
    script = """
        const network = new reader.classifier.constructor(bytes(given[0]));
        const films = bytes(given[1]), size = network.sidePx ** 2;
        const last = (film) => Array.from(network.run(film).at(-1).values);
        return text(Array.from({ length: films.length / size }, (_, film) =>
            last(films.subarray(film * size, (film + 1) * size))).flat());"""
    for scale in scales_near_halves(bundle.model, films, 24):
        model = bundle.model.replace(written, scale.tobytes())
        other = LoadedNetwork(model, runtime)
        expected = np.concatenate([other.run(film, [other.outputs()[-1]])[0].ravel() for film in films])
        assert base64.b64decode(phone.run(script, text_of(model), text_of(films))) == expected.astype(np.int8).tobytes()


@pytest.mark.parametrize("count", [24, pytest.param(400, marks=pytest.mark.slow)])
def test_films_of_any_size_are_prepared_to_the_bit(phone, count):
    rng = np.random.default_rng(5)
    for index in range(count):
        width, height = (int(rng.integers(96, 1200)) for _ in range(2))
        side = int(rng.choice([96, 112, 224]))
        ramp = np.add.outer(np.arange(height), np.arange(width)) * 255 // (height + width)
        film = ramp.astype(np.uint8) if index % 3 else rng.integers(0, 256, (height, width), dtype=np.uint8)
        script = "const [pixels, width, height, side] = given;"
        script += "return text(phone.modelPixels({ width, height, pixels: bytes(pixels) }, side))"
        said = phone.run(script, text_of(film), width, height, side)
        assert base64.b64decode(said) == to_model_pixels(film, side).tobytes(), (width, height, side)


def pictures() -> dict[str, bytes]:
    """The same phantom in many files, and what is no film."""
    gray = Image.fromarray(FILM)
    colour = Image.merge("RGB", [gray, gray.point(lambda value: min(255, value + 3)), gray])
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    turned, camera = Image.Exif(), Image.Exif()
    turned[0x0112] = 6
    camera.get_ifd(0x8769)[0x829A] = 0.01
    jpeg, png = picture_bytes(gray, "JPEG", quality=90), picture_bytes(gray, "PNG")
    return {
        "png": png,
        "png of 16 bits": picture_bytes(DEEP, "PNG"),
        "png in colour": picture_bytes(colour, "PNG"),
        "png of a palette": picture_bytes(colour.quantize(200), "PNG"),
        "png with alpha": picture_bytes(Image.merge("LA", [gray, gray.transpose(Image.Transpose.ROTATE_180)]), "PNG"),
        "jpeg": jpeg,
        "progressive jpeg": picture_bytes(colour, "JPEG", quality=80, progressive=True),
        "jpeg of 4:2:0": picture_bytes(colour, "JPEG", quality=70, subsampling=2),
        "jpeg at half its size": picture_bytes(gray.resize((1100, 1010)), "JPEG", quality=85),
        "jpeg turned by its EXIF": picture_bytes(gray.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=turned),
        "jpeg of a camera": picture_bytes(gray, "JPEG", exif=camera),
        "dicom": dicom_bytes(DEEP, bits_stored=12),
        "dicom implicit": dicom_bytes(DEEP, bits_stored=12, syntax=ImplicitVRLittleEndian),
        "dicom big endian": dicom_bytes(DEEP, bits_stored=12, syntax=ExplicitVRBigEndian),
        "dicom in RLE": dicom_bytes(DEEP, bits_stored=12, syntax=RLELossless),
        "dicom in JPEG": encapsulated(jpeg, FILM, JPEGBaseline8Bit),
        "dicom with a window": dicom_bytes(DEEP, bits_stored=12, WindowCenter="2000", WindowWidth="3000"),
        "dicom inverted": dicom_bytes(4095 - DEEP, bits_stored=12, PhotometricInterpretation="MONOCHROME1"),
        "child": dicom_bytes(DEEP, bits_stored=12, PatientAge="030M"),
        "adult": dicom_bytes(DEEP, bits_stored=12, PatientAge="040Y"),
        "side view": dicom_bytes(DEEP, bits_stored=12, ViewPosition="LATERAL"),
        "hand": dicom_bytes(DEEP, bits_stored=12, BodyPartExamined="HAND"),
        "raw data": dicom_bytes(DEEP, bits_stored=12, PresentationIntentType="FOR PROCESSING"),
        "not an x-ray": dicom_bytes(DEEP, bits_stored=12, Modality="CT"),
        "cut short": jpeg[: len(jpeg) // 2],
        "png cut short": png[: len(png) // 2],
        "text": b"Dear colleague, the film is attached.",
        "empty": b"",
        "one gray": picture_bytes(np.full((300, 300), 9, np.uint8), "PNG"),
        "too small": picture_bytes(FILM[:95, :200], "PNG"),
        "huge": picture_bytes(Image.new("1", (8000, 6000)), "PNG"),
        "two levels": picture_bytes(gray.point(lambda value: 255 * (value > 90)), "PNG"),
        "colour": picture_bytes(noise, "PNG"),
        "dark": picture_bytes(FILM // 16, "PNG"),
        "upside down": picture_bytes(FILM[::-1, ::-1].copy(), "PNG"),
        "sideways": picture_bytes(FILM.T.copy(), "PNG"),
        "negative": picture_bytes(255 - FILM, "PNG"),
        "half a chest": picture_bytes(FILM[:, :200].copy(), "PNG"),
        "upper half": picture_bytes(FILM[: len(FILM) // 2].copy(), "PNG"),
        "lower half": picture_bytes(FILM[len(FILM) // 2 :].copy(), "PNG"),
        "a strip": picture_bytes(gray.resize((100, 401)), "PNG"),
    }


def test_every_kind_of_file_has_the_answer_of_predict(phone, predictor):
    said = {name: compare(phone, predictor, content) for name, content in pictures().items()}
    assert {"damaged", "empty_file", "blank", "colour_picture", "age_out_of_range", "lateral_view"} <= set(
        said.values()
    )
    assert said["a strip"] == "not_a_chest_film"
    assert said["png"] in ("pneumonia", "uncertain", "normal")


def test_a_format_that_the_page_cannot_read_is_refused_with_a_reason(phone):
    for content in (picture_bytes(FILM, "TIFF"), picture_bytes(FILM, "BMP"), picture_bytes(FILM, "WEBP")):
        assert phone.answer(content)["reason"]["code"] == "no_decoder"


def test_an_age_that_a_person_enters_is_obeyed_and_the_files_own_counts_first(phone):
    assert phone.answer(picture_bytes(FILM, "PNG"), 40)["reason"]["code"] == "age_out_of_range"
    assert phone.answer(dicom_bytes(DEEP, bits_stored=12, PatientAge="003Y"), 40)["status"] == "ok"
