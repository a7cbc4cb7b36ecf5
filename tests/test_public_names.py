"""What a notebook imports: each package's public names, loaded on first use."""

import importlib
import subprocess
import sys

import pytest
from tests_support import ENVIRONMENT, REPOSITORY

PUBLIC = {
    "edge_app": ("load_predictor", "read_film"),
    "train": ("EvaluateOptions", "FitOptions", "evaluate", "fit"),
    "convert": ("ConvertOptions", "convert"),
    "benchmarks": (),
}
HEAVY = {"numpy", "PIL", "tensorflow", "typing", "argparse"}


@pytest.mark.parametrize("package", PUBLIC)
def test_importing_a_package_loads_nothing_heavy(package: str) -> None:
    code = f"import sys; before = set(sys.modules); import {package}; print(*(set(sys.modules) - before))"
    words = [sys.executable, "-S", "-c", code]  # without site, whose editable installs import this and that
    child = subprocess.run(words, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert not HEAVY & set(child.stdout.split())


@pytest.mark.parametrize(("package", "name"), [(package, name) for package, names in PUBLIC.items() for name in names])
def test_every_public_name_is_listed_and_is_what_its_module_defines(package: str, name: str) -> None:
    module = importlib.import_module(package)
    assert name in module.__all__
    assert name in dir(module)
    found = getattr(module, name)
    assert found is getattr(importlib.import_module(found.__module__), name)
    assert callable(found)
    assert name in module.__doc__


@pytest.mark.parametrize("package", PUBLIC)
def test_no_module_has_the_name_of_a_public_function(package: str) -> None:
    """Python would put the module in its place as soon as anyone imported it."""
    modules = {path.stem for path in (REPOSITORY / package).iterdir() if path.is_dir() or path.suffix == ".py"}
    assert not modules & set(PUBLIC[package])


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(ImportError, match="cannot import name 'no_such_name'"):
        exec("from train import no_such_name")


@pytest.mark.parametrize("package", PUBLIC)
def test_packages_tell_type_checkers_of_their_types(package: str) -> None:
    assert (REPOSITORY / package / "py.typed").exists()
    assert f'{package} = ["py.typed"' in (REPOSITORY / "pyproject.toml").read_text()
