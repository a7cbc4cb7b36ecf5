"""The install stick holds what the target needs, not what the machine that makes it needs."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tests_support import REPOSITORY

from edge_app.deploy import wheelhouse
from edge_app.deploy.sbom import write_sbom
from edge_app.deploy.wheelhouse import (
    BUILD_TOOLS,
    LOCK,
    TARGETS,
    canonical,
    check_hashes,
    follow,
    needs,
    pinned,
    pip_environment,
    read_pins,
    wheel_requirement,
    write_lock,
    write_sums,
    write_system_packages,
)
from edge_app.errors import KitError
from edge_app.model.bundle import read_bundle, shipped_bundle_path

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


def locked(environment):
    """Version by name of what the lock has for an environment."""
    lines = [line.partition(" --hash")[0] for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    wanted = [Requirement(line) for line in lines]
    return {
        each.name: next(iter(each.specifier)).version
        for each in wanted
        if each.marker is None or each.marker.evaluate(environment)
    }


@pytest.mark.parametrize("target", TARGETS)
def test_the_hashed_requirements_are_in_step_with_the_constraints(target):
    """After a change of constraints.txt: make lock."""
    pins = read_pins(CONSTRAINTS, TARGETS[target])
    versions = locked(TARGETS[target].environment())
    assert versions == {name: pins[name] for name in versions}
    assert set(BUILD_TOOLS) < set(versions)


def test_the_hashed_requirements_hold_all_that_the_kiosk_needs_here():
    """Followed through the packages that are installed, from the extra `edge` on."""
    versions, seen = locked(None), set()
    level = [Requirement("cxr-edge-kit[edge]")]
    while level:
        need = level.pop()
        if (need.name, str(need.extras)) in seen:
            continue
        seen.add((need.name, str(need.extras)))
        if canonical(need.name) != wheelhouse.KIT:
            assert versions[canonical(need.name)] == importlib.metadata.version(need.name)
        for line in importlib.metadata.requires(need.name) or []:
            following = Requirement(line)
            if following.marker is None or any(following.marker.evaluate({"extra": e}) for e in ("", *need.extras)):
                level.append(following)
    assert len(seen) > 40


def test_each_line_of_the_hashed_requirements_has_hashes_and_no_address():
    lines = LOCK.read_text().splitlines()[1:]
    line = re.compile(r"[\w.-]+==[\w.]+( ; \w+ [<>=]+ ['\"][\w.]+['\"])?( --hash=sha256:[0-9a-f]{64})+")
    assert not [each for each in lines if not line.fullmatch(each)]


def test_a_wheel_that_is_not_the_one_that_was_tested_does_not_come_onto_the_stick(tmp_path):
    folder, lock = tmp_path / "x86_64-3.11", tmp_path / "lock.txt"
    folder.mkdir()
    write_wheel(folder, "numpy", "1.26.4")
    write_lock(tmp_path, [TARGETS["x86_64-3.11"]], lock)
    check_hashes(tmp_path, lock.read_text())
    write_wheel(folder, "numpy", "1.26.4", "surprise")
    with pytest.raises(KitError, match=r"the hash of .*numpy-1\.26\.4-py3-none-any\.whl is not in"):
        check_hashes(tmp_path, lock.read_text())
    check_hashes(tmp_path, lock.read_text(), extra_wheels=folder)


def test_the_makefile_installs_the_app_and_the_sticks_tools_with_hashes_only(tmp_path):
    """The rest of the developers' environment is pinned by version."""
    for name in ("Makefile", "requirements-device.txt", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, tmp_path)
    done = subprocess.run(
        ["make", "--dry-run", ".venv-app/ready", ".venv-stick/ready"], cwd=tmp_path, capture_output=True, text=True
    )
    installs = [line for line in done.stdout.splitlines() if " pip install " in line]
    assert len(installs) == 3, done.stderr
    assert all("--require-hashes" in line or "--no-index --editable ." in line for line in installs)


SBOM_TYPES = {"application", "library", "machine-learning-model"}
METRIC = {"type": str, "value": str, "slice": str, "confidenceInterval": dict}


def check_cyclonedx(bill):
    """The structure of CycloneDX 1.6 as far as the kit uses it; unknown keys are refused, as its schema does."""
    required = {"bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies"}
    assert set(bill) == required
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    components = [bill["metadata"]["component"], *bill["components"]]
    refs = [component["bom-ref"] for component in components]
    assert len(refs) == len(set(refs))
    for component in components:
        keys = {"type", "bom-ref", "name", "version", "purl", "hashes", "licenses", "properties", "modelCard"}
        assert {"type", "name", "version", "hashes"} <= set(component) <= keys
        assert component["type"] in SBOM_TYPES
        assert ("modelCard" in component) == (component["type"] == "machine-learning-model")
        assert all(set(each) == {"alg", "content"} and each["alg"] == "SHA-256" for each in component["hashes"])
        assert all(re.fullmatch("[0-9a-f]{64}", each["content"]) for each in component["hashes"])
        assert all(set(each) == {"name", "value"} for each in component.get("properties", []))
        assert re.fullmatch(
            r"pkg:pypi/[a-z0-9-]+@[^?]+\?file_name=[^/?&]+", component.get("purl", "pkg:pypi/a@1?file_name=a")
        )
        if card := component.get("modelCard"):
            assert set(card) == {"modelParameters", "quantitativeAnalysis", "considerations"}
            assert {"task", "datasets", "inputs", "outputs"} == set(card["modelParameters"])
            assert {"useCases", "technicalLimitations"} == set(card["considerations"])
            for metric in card["quantitativeAnalysis"]["performanceMetrics"]:
                assert {key: type(value) for key, value in metric.items()} == METRIC
                assert set(metric["confidenceInterval"]) == {"lowerBound", "upperBound"}
    assert [each["ref"] for each in bill["dependencies"]] == refs[:1]
    assert bill["dependencies"][0]["dependsOn"] == refs[1:]


def test_the_bill_of_materials_names_each_wheel_and_the_model_with_its_card(tmp_path):
    """Its official schema found no error in the bill of a whole stick, when this was written."""
    shipped = read_bundle(shipped_bundle_path())
    for target in ("aarch64-3.11", "aarch64-3.13"):
        (tmp_path / "wheels" / target).mkdir(parents=True)
        kit = write_wheel(tmp_path / "wheels" / target, "cxr_edge_kit", "9.9")
        with zipfile.ZipFile(kit, "a") as archive:
            archive.writestr(f"edge_app/models/{shipped.path.name}", shipped.content)
            archive.writestr("train/locator/locator-int8.tflite", b"no bundle")
        write_wheel(tmp_path / "wheels" / target, "Some_Package", "1.0+local")
    write_sbom(tmp_path)
    content = (tmp_path / "sbom.cdx.json").read_bytes()
    bill = json.loads(content)
    check_cyclonedx(bill)
    package, model = bill["components"]
    assert package["purl"].startswith("pkg:pypi/some-package@1.0%2Blocal?file_name=Some_Package-1.0%2Blocal")
    assert [each["value"] for each in package["properties"]] == ["aarch64-3.11", "aarch64-3.13"]
    assert (model["name"], model["version"]) == (shipped.card.name, shipped.card.version)
    assert model["hashes"][0]["content"] == shipped.sha256
    assert model["modelCard"]["considerations"]["technicalLimitations"] == list(shipped.card.not_checked)
    write_sbom(tmp_path)
    assert (tmp_path / "sbom.cdx.json").read_bytes() == content
    write_sums(tmp_path)
    assert "  sbom.cdx.json\n" in (tmp_path / "SHA256SUMS").read_text()
