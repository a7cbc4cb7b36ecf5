"""The install stick holds what the target needs, not what the machine that makes it needs."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from edge_app.deploy import wheelhouse
from edge_app.deploy.wheelhouse import (
    TARGETS,
    follow,
    needs,
    pinned,
    pip_environment,
    read_pins,
    wheel_requirement,
    write_sums,
    write_system_packages,
)
from edge_app.errors import KitError

CONSTRAINTS = Path(__file__).parents[3] / "constraints.txt"


def write_wheel(folder, name, version, *requires):
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {need}" for need in requires)]
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines) + "\n\n")
    return path


@pytest.mark.parametrize(
    ("target", "numpy"), [("aarch64-3.11", "1.26.4"), ("aarch64-3.13", "2.2.6"), ("armv7l-3.11", "1.26.4")]
)
def test_versions_are_those_of_the_targets_python(target, numpy):
    assert read_pins(CONSTRAINTS, TARGETS[target])["numpy"] == numpy


def test_conditions_are_read_for_the_target(tmp_path):
    wheel = write_wheel(
        tmp_path,
        "kit",
        "1.0",
        "new; python_version >= '3.13'",
        "arm; platform_machine == 'armv7l'",
        "page; extra == 'e'",
    )
    names = {key: {r.name for r in needs(wheel, {"e"}, TARGETS[key])} for key in ("aarch64-3.13", "armv7l-3.11")}
    assert names == {"aarch64-3.13": {"new", "page"}, "armv7l-3.11": {"arm", "page"}}


def test_constraints_of_this_machines_python_do_not_reach_a_download_for_another():
    """`make wheelhouse` from nothing asked for numpy 2.2.6 (3.13) under a constraint of 1.26.4 (3.11), and failed."""
    environ = {"PIP_CONSTRAINT": "constraints.txt", "HOME": "/h"}
    assert "PIP_CONSTRAINT" not in pip_environment("download", environ)
    assert pip_environment("wheel", environ)["PIP_CONSTRAINT"] == "constraints.txt"


def test_requirements_of_requirements_are_followed_once(tmp_path):
    write_wheel(tmp_path, "a", "1.0", "b", "c")
    write_wheel(tmp_path, "b", "2.0", "c", "a")
    write_wheel(tmp_path, "c", "3.0")
    pins = {"a": "1.0", "b": "2.0", "c": "3.0"}
    wheels = follow(tmp_path, TARGETS["aarch64-3.11"], pins, ("a",))
    assert [wheel_requirement(wheel) for wheel in wheels] == ["a==1.0", "b==2.0", "c==3.0"]


def test_system_packages_and_their_requirements_are_left_out_unless_there_is_a_wheel(tmp_path):
    """32-bit ARM: numpy has no wheel there, so Debian's own is used."""
    write_wheel(tmp_path, "kit", "1.0", "numpy", "pure")
    write_wheel(tmp_path, "pure", "1.0", "numpy")
    pins, target = {"kit": "1.0", "pure": "1.0", "numpy": "1.26.4"}, TARGETS["armv7l-3.11"]
    wheels = follow(tmp_path, target, pins, ("kit",), frozenset({"numpy"}))
    assert [wheel_requirement(wheel) for wheel in wheels] == ["kit==1.0", "pure==1.0"]
    write_wheel(tmp_path, "numpy", "1.26.4")
    wheels = follow(tmp_path, target, pins, ("kit",))
    assert "numpy==1.26.4" in [wheel_requirement(wheel) for wheel in wheels]


def test_the_packages_of_the_system_are_named_only_while_they_are_needed(tmp_path):
    path = tmp_path / "system-packages.txt"
    write_system_packages(path, ["python3-numpy", "python3-pil"])
    assert path.read_text().split() == ["python3-numpy", "python3-pil"]
    write_system_packages(path, [])
    assert not path.exists()


def test_only_32_bit_arm_needs_system_packages():
    assert [name for name, target in TARGETS.items() if target.from_system] == ["armv7l-3.11"]


def test_a_package_without_a_tested_version_stops_the_stick(tmp_path):
    with pytest.raises(KitError, match="no version of surprise"):
        pinned("surprise", {"numpy": "1.26.4"})


def test_the_sums_are_what_sha256sum_checks(tmp_path):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a.whl").write_bytes(b"wheel")
    (tmp_path / "install.sh").write_text("true\n")
    write_sums(tmp_path)
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "wheels" / "a.whl").write_bytes(b"wheeI")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1


def test_every_file_of_the_stick_ships_with_the_kit():
    assert all((wheelhouse.HERE / name).is_file() for name in wheelhouse.STICK_FILES)
