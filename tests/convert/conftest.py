"""A tiny trained network on a few phantoms, made once: small enough for every test to convert it."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tests_support import A_PURPOSE
from tiny_network import SIDE_PX, build_tiny

from convert.conversion import Conversion
from convert.options import ConvertOptions
from convert.source import Source, read_source
from edge_app.imaging.phantom import write_phantom_set
from edge_app.model.runtimes.registry import installed_runtimes
from train.data.loading import load_films
from train.data.locator_files import preparation_of
from train.data.sources import find_data
from train.data.split import TRAIN, VALIDATION, SplitRule, split_films
from train.evaluation.evaluation_sets import evaluation_sets
from train.evaluation.run import write_run
from train.keras import keras
from train.networks.inference import predict
from train.training.fit import FitOptions
from train.training.outcome import calibrated_run
from train.training.plan import resolve

FILMS_PER_CLASS = 30


@pytest.fixture(scope="session")
def phantom_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films on disk. The folder is not called "phantom", so they pass for real ones."""
    folder = tmp_path_factory.mktemp("films")
    write_phantom_set(folder, FILMS_PER_CLASS)
    return folder


@pytest.fixture(scope="session")
def run_folder(phantom_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of `train fit`: model.keras, manifest.json, run.json, and the shipped locator."""
    folder = tmp_path_factory.mktemp("run")
    data = find_data(str(phantom_set))
    plan = resolve(FitOptions(out=folder, data=str(phantom_set), epochs=1, purpose=A_PURPOSE))
    preparation = preparation_of(SIDE_PX, plan.locator)
    films = load_films(data, preparation)
    manifest = split_films(films, data.name, data.labels, SplitRule(validation_fraction=0.4))
    training, validation = (films.only(manifest.rows(part)) for part in (TRAIN, VALIDATION))
    model = _trained(training.pixels, training.classes)
    sets = evaluation_sets(validation, data.classes, preparation)
    logits = {each.name: predict(model, each.pixels)["logits"] for each in sets}
    run = calibrated_run(plan, manifest, sets, logits)
    write_run(folder, model, manifest, dataclasses.replace(run, input_size_px=SIDE_PX), plan.locator)
    return folder


@pytest.fixture(scope="session")
def options(run_folder: Path, phantom_set: Path) -> ConvertOptions:
    """Options that read the tiny run; a test that writes gives its own `out`."""
    return ConvertOptions(model=run_folder / "model.keras", out=run_folder / "unused", data=str(phantom_set))


@pytest.fixture(scope="session")
def source(options: ConvertOptions, runtimes: list[str]) -> Source:
    return read_source(options, runtimes[0])


@pytest.fixture(scope="session")
def runtimes() -> list[str]:
    return installed_runtimes()


@pytest.fixture(scope="session")
def conversion(options: ConvertOptions, source: Source, runtimes: list[str]) -> Conversion:
    return Conversion(options, source, tuple(runtimes))


@pytest.fixture(scope="session")
def ptq_file(source: Source) -> bytes:
    """The tiny network as full int8."""
    from convert.formats.export import export_ptq

    return export_ptq(source.model, source.training.pixels)


def _trained(pixels: Any, classes: Any) -> Any:
    keras.utils.set_random_seed(0)
    model = build_tiny(SIDE_PX, classes=3)
    loss = {"logits": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}
    model.compile(keras.optimizers.Adam(1e-2), loss=loss)
    model.fit(pixels[..., None].astype("float32"), classes, batch_size=27, epochs=40, verbose=0)
    return model
