"""A 16-bit picture's memory without a copy: the same values, for as long as they are used, or no loan at all."""

import gc
import io

import numpy as np
import pytest
from PIL import Image

from edge_app.imaging.film import read_film
from edge_app.imaging.formats import pillow
from edge_app.imaging.pillow_memory import lent_values


def sixteen_bits(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**16, (height, width)).astype(np.uint16)


def decoded(values: np.ndarray, kind: str = "PNG") -> Image.Image:
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind)
    image = Image.open(file)
    image.load()
    return image


@pytest.mark.parametrize("size", [(301, 257), (300, 300), (1, 64), (2049, 64)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_the_values_lent_are_those_that_were_saved(size: tuple[int, int], kind: str) -> None:
    values = sixteen_bits(*size)
    lent = lent_values(decoded(values, kind))
    assert lent is not None
    assert np.array_equal(lent, values)
    assert not lent.flags.writeable


def test_values_outlive_their_picture() -> None:
    values = sixteen_bits(500, 400)
    lent = lent_values(decoded(values))
    gc.collect()
    others = [Image.new("I;16", (500, 400), 7) for _ in range(50)]  # would take memory that was given back
    assert lent is not None
    assert np.array_equal(lent, values), len(others)


def test_a_picture_that_cannot_be_lent_is_copied_to_the_same_film(monkeypatch: pytest.MonkeyPatch) -> None:
    large = decoded(sixteen_bits(3000, 3000))  # 18 MB, more than one block of Pillow's
    wrapped = Image.fromarray(sixteen_bits(300, 300))
    assert [lent_values(image) for image in (large, wrapped, Image.new("I;16B", (9, 9)), Image.new("F", (9, 9)))] == [
        None
    ] * 4
    file = io.BytesIO()
    Image.fromarray(sixteen_bits(400, 300)).resize((100, 80)).resize((400, 300), Image.Resampling.BILINEAR).save(
        file, "PNG"
    )
    lent = read_film(file.getvalue()).pixels
    monkeypatch.setattr(pillow, "lent_values", lambda _: None)
    assert np.array_equal(read_film(file.getvalue()).pixels, lent)
