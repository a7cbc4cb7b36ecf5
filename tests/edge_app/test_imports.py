"""`edge_app` stays light: what it may import, and that it runs without TensorFlow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import run_python

import edge_app

ROOM = Path(edge_app.__file__).parent
CORE = {"numpy", "PIL", "edge_app"}
# Modules that need more, and what: `predict` imports none of them.
EXTRA = {
    "kiosk": {"gradio", "fastapi", "starlette", "uvicorn", "h11"},
    "kiosk/phone_address.py": {"segno"},
    "imaging/formats/dicom.py": {"pydicom"},
    "imaging/dicom": {"pydicom"},
    "workflow/secondary_capture.py": {"pydicom"},
    "workflow/dicom_receiver.py": {"pydicom", "pynetdicom"},
    "workflow/dicom_connections.py": {"pynetdicom"},
    "deploy": {"packaging"},
}
FORBIDDEN = {"tensorflow", "tf_keras", "train", "convert", "benchmarks", "scipy", "sklearn", "matplotlib", "tqdm"}


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOM)))
def test_device_room_imports_only_what_a_device_has(path: Path) -> None:
    place = str(path.relative_to(ROOM))
    extra = {name for start, names in EXTRA.items() if place.startswith(start) for name in names}
    allowed = CORE | set(sys.stdlib_module_names) | extra
    assert _imports(path) <= allowed


def _run_without(modules: set[str], code: str) -> subprocess.CompletedProcess:
    """Run code in a process where these modules cannot be imported."""
    block = "\n".join(f"sys.modules[{name!r}] = None" for name in sorted(modules))
    return run_python("-c", f"import sys\n{block}\n{code}")


def test_predict_works_where_tensorflow_and_gradio_cannot_be_imported(phantom_file: Path) -> None:
    code = f"from edge_app.__main__ import main; raise SystemExit(main(['predict', '--json', {str(phantom_file)!r}]))"
    child = _run_without(FORBIDDEN | {"gradio", "fastapi", "pydicom", "pandas"}, code)
    assert child.returncode == 0, child.stderr
    assert '"status": "ok"' in child.stdout


def test_kiosk_imports_no_tensorflow() -> None:
    child = _run_without(FORBIDDEN, "import edge_app.kiosk.server")
    assert child.returncode == 0, child.stderr
