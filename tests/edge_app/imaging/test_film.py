import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_app.errors import FilmError, FilmRefused, FilmUnreadable
from edge_app.imaging.film import read_film
from edge_app.imaging.phantom import draw_phantom, phantom_png


def _bytes(image: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    return draw_phantom("viral", seed=1)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_lossless_formats_give_the_very_pixels(kind: str, film: np.ndarray) -> None:
    assert np.array_equal(read_film(_bytes(Image.fromarray(film), kind)).pixels, film)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_give_nearly_the_pixels(kind: str, film: np.ndarray) -> None:
    pixels = read_film(_bytes(Image.fromarray(film), kind, quality=95)).pixels
    assert np.abs(pixels.astype(int) - film).mean() < 4


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    values = np.linspace(1000, 3000, 128 * 128).reshape(128, 128).astype(np.uint16)
    pixels = read_film(_bytes(Image.fromarray(values), "PNG")).pixels
    # By hand: the lowest value is 0, the highest 255, the middle 127 or 128.
    assert (pixels[0, 0], pixels[-1, -1]) == (0, 255)
    assert pixels[64, 0] in (127, 128)


def test_palette_alpha_and_colour_modes_give_gray(film: np.ndarray) -> None:
    gray = Image.fromarray(film)
    for mode in ("RGB", "RGBA", "LA", "P", "CMYK"):
        kind = "TIFF" if mode == "CMYK" else "PNG"
        pixels = read_film(_bytes(gray.convert(mode), kind)).pixels
        assert np.abs(pixels.astype(int) - film).max() <= 2, mode


def test_transparent_pixels_are_black(film: np.ndarray) -> None:
    alpha = np.full(film.shape, 255, dtype=np.uint8)
    alpha[:50] = 0
    picture = Image.merge("LA", (Image.fromarray(film), Image.fromarray(alpha)))
    pixels = read_film(_bytes(picture, "PNG")).pixels
    assert (pixels[:50] == 0).all()
    assert np.array_equal(pixels[50:], film[50:])


def test_exif_orientation_is_applied(film: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned: the viewer must turn it by 90 degrees clockwise
    content = _bytes(Image.fromarray(film), "PNG", exif=exif)
    assert np.array_equal(read_film(content).pixels, np.rot90(film, -1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_large_film_is_read_at_reduced_scale_but_not_below_what_is_asked(kind: str, film: np.ndarray) -> None:
    large = Image.fromarray(film).resize((2048, 1793))
    small = read_film(_bytes(large, kind), min_side_px=320)
    assert (small.width_px, small.height_px) == (2048, 1793)
    assert 320 <= min(small.pixels.shape) < 640
    # By hand: means of squares of pixels, the last row of which may be smaller.
    squares = np.asarray(large)[:1792].reshape(448, 4, 512, 4).mean(axis=(1, 3))
    assert np.abs(small.pixels[:448].astype(float) - squares).mean() < (2 if kind == "JPEG" else 0.51)


def test_dots_are_seen_before_a_film_is_reduced_to_gray(film: np.ndarray) -> None:
    dots = Image.fromarray(film).resize((2048, 2048)).convert("1").convert("L")
    with pytest.raises(FilmRefused) as raised:
        read_film(_bytes(dots, "PNG"), min_side_px=256)
    assert raised.value.code == "two_levels"


def _frames(film: np.ndarray) -> bytes:
    picture = Image.fromarray(film)
    return _bytes(picture, "TIFF", save_all=True, append_images=[picture])


def _cut_jpeg(film: np.ndarray) -> bytes:
    content = _bytes(Image.fromarray(film), "JPEG")
    return content[: len(content) // 2]


def _bomb() -> bytes:
    """A small file whose head promises a huge picture."""
    return _bytes(Image.new("1", (20_000, 20_000)), "PNG")


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("empty_file", lambda film: b""),
        ("not_an_image", lambda film: b"no picture at all " * 50),
        ("damaged", _cut_jpeg),
        ("damaged", lambda film: phantom_png("normal", 1)[:5000]),
        ("several_frames", _frames),
        ("too_many_pixels", lambda film: _bomb()),
        ("too_small", lambda film: _bytes(Image.fromarray(film[:50, :50]), "PNG")),
        ("not_a_chest_film", lambda film: _bytes(Image.fromarray(film).resize((96, 385)), "PNG")),
        ("blank", lambda film: _bytes(Image.new("L", (200, 200), 90), "PNG")),
        ("not_an_image", lambda film: b"GIF89a" + bytes(100)),
    ],
)
def test_unfit_bytes_are_refused_with_a_code_and_a_sentence(code: str, make, film: np.ndarray) -> None:
    with pytest.raises(FilmError) as caught:
        read_film(make(film))
    assert caught.value.code == code
    assert caught.value.sentence.endswith(".")


def test_colour_photo_is_refused() -> None:
    rainbow = np.zeros((200, 200, 3), dtype=np.uint8)
    rainbow[..., 0] = np.arange(200)
    rainbow[..., 2] = 200 - np.arange(200)
    with pytest.raises(FilmRefused, match="colour"):
        read_film(_bytes(Image.fromarray(rainbow), "PNG"))


def test_missing_file_and_folder_are_unreadable(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none.png", "missing"), (tmp_path, "not_a_file")):
        with pytest.raises(FilmUnreadable) as caught:
            read_film(path)
        assert caught.value.code == code
