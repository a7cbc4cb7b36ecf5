"""The registry of film formats: files that agree with it, and a film that loads no other format's decoder."""

from pathlib import Path

import pytest
from PIL import Image
from registry_names import restated
from tests_support import printed_by

from edge_app.errors import FilmUnreadable
from edge_app.imaging import formats
from edge_app.imaging.film import read_film
from edge_app.imaging.formats.registry import film_formats, film_suffixes
from edge_app.imaging.phantom import draw_phantom

FORMATS = tuple(film_formats())
SHARED = {"__init__", "base", "pillow", "registry"}


def test_every_file_of_a_format_is_in_the_registry() -> None:
    files = {path.stem for path in Path(formats.__file__).parent.glob("*.py")} - SHARED
    assert files == {film_format.name.lower() for film_format in FORMATS}


def test_suffixes_are_lower_case_and_of_one_format_each() -> None:
    every = [suffix for film_format in FORMATS for suffix in film_format.suffixes]
    assert len(every) == len(set(every)) == len(film_suffixes())
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in every)


def test_the_refusal_of_another_file_names_every_format() -> None:
    with pytest.raises(FilmUnreadable) as refusal:
        read_film(b"no picture at all")
    assert all(film_format.name in refusal.value.sentence for film_format in FORMATS)


def test_no_other_module_knows_the_formats_by_name() -> None:
    timed = ("benchmarks/device/films.py", "benchmarks/device/pipeline.py")  # which choose a few to time
    every = {film_format.name for film_format in FORMATS} | film_suffixes()
    assert restated(every, ("edge_app/imaging/formats/", *timed)) == []


def test_a_file_that_only_begins_like_a_format_is_not_an_image() -> None:
    with pytest.raises(FilmUnreadable) as refusal:
        read_film(b"RIFF....WEBPVP9 " + bytes(100))
    assert refusal.value.code == "not_an_image"


@pytest.mark.parametrize(
    ("suffix", "plugins"), [("jpg", {"Jpeg"}), ("tif", {"Tiff"}), ("webp", {"WebP"})], ids=["jpg", "tif", "webp"]
)
def test_a_film_loads_the_decoder_of_its_own_format_and_no_pydicom(
    tmp_path: Path, suffix: str, plugins: set[str]
) -> None:
    path = tmp_path / f"film.{suffix}"
    Image.fromarray(draw_phantom("normal", 1)).save(path)
    code = (
        "import pathlib, sys; from edge_app.imaging.film import read_film; read_film(pathlib.Path(sys.argv[1]));"
        "print(*(name for name in sys.modules if name.endswith('ImagePlugin') or name == 'pydicom'))"
    )
    # `Image.open` always brings five formats along; a JPEG is read without it.
    common = set() if suffix == "jpg" else {"Bmp", "Gif", "Jpeg", "Ppm", "Png"}
    assert set(printed_by(code, str(path)).split()) == {f"PIL.{name}ImagePlugin" for name in common | plugins}
