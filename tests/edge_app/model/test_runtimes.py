"""The registry of runtimes: files that agree with it, and messages that name what it lists."""

from pathlib import Path

import pytest
from registry_names import restated
from tests_support import REPOSITORY

from edge_app.errors import RuntimeUnavailable
from edge_app.model import runtimes
from edge_app.model.runtimes.registry import RUNTIMES, chosen_runtime, load_runtime


def test_unknown_runtime_is_refused_by_name() -> None:
    with pytest.raises(RuntimeUnavailable, match=f"the kit knows {', '.join(RUNTIMES)}"):
        load_runtime("onnxruntime")


def test_every_file_of_a_runtime_is_in_the_registry_and_pip_can_install_it() -> None:
    files = {path.stem for path in Path(runtimes.__file__).parent.glob("*.py")}
    assert len(files - {"__init__", "base", "interpreter", "registry"}) == len(RUNTIMES)
    extras = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f'"{package}' in extras for package in RUNTIMES)


def test_no_other_module_knows_the_runtimes_by_name() -> None:
    names = {name for kind in RUNTIMES.values() for name in (kind.package, kind.module, kind.target)}
    assert restated(names, ("edge_app/model/runtimes/",)) == []


def test_without_a_runtime_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_app.model.runtimes.registry.installed_runtimes", list)
    with pytest.raises(RuntimeUnavailable) as refusal:
        chosen_runtime()
    assert all(package in str(refusal.value) for package in RUNTIMES)
