"""The installer: refuses a bad stick, installs repeatedly without a network, and leaves nothing behind."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_app.deploy import wheelhouse

HERE = wheelhouse.HERE
UNIT = (HERE / "cxr-edge.service").read_text()


@pytest.fixture
def bare_stick(tmp_path):
    """A stick with no wheels."""
    stick = tmp_path / "stick"
    (stick / "wheels" / "vax-2.0").mkdir(parents=True)
    for name in wheelhouse.STICK_FILES:
        shutil.copy2(HERE / name, stick / name)
    wheelhouse.write_sums(stick)
    return stick


def install(stick, tmp_path, *words, within=()):
    folders = ["--prefix", str(tmp_path / "opt"), "--data-dir", str(tmp_path / "data")]
    user = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
    command = [*within, "sh", str(stick / "install.sh"), *folders, "--user", user, *words]
    path = f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=True, text=True)


def test_a_damaged_stick_is_not_installed(bare_stick, tmp_path):
    (bare_stick / "kiosk-browser.sh").write_text("rm -rf /\n")
    done = install(bare_stick, tmp_path)
    assert done.returncode == 1
    assert "the stick is damaged" in done.stderr
    assert not (tmp_path / "opt").exists()


def test_a_stick_for_other_machines_says_what_it_has(bare_stick, tmp_path):
    done = install(bare_stick, tmp_path)
    assert done.returncode == 1
    assert "it has: vax-2.0" in done.stderr


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="no Debian")
def test_a_stick_that_needs_system_packages_names_the_missing_ones(bare_stick, tmp_path):
    """32-bit ARM: the message comes before anything is installed, and says what to type."""
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True).stdout.strip()
    wheels = bare_stick / "wheels" / f"{machine}-{sys.version_info[0]}.{sys.version_info[1]}"
    wheels.mkdir()
    (wheels / "system-packages.txt").write_text("libc-bin\nno-such-package\n")
    wheelhouse.write_sums(bare_stick)
    done = install(bare_stick, tmp_path)
    assert done.returncode == 1
    assert "sudo apt-get install no-such-package\n" in done.stderr
    assert not (tmp_path / "opt").exists()


@pytest.mark.parametrize("words", [["--colour"], ["--prefix"]])
def test_a_wrong_option_is_wrong_usage(bare_stick, tmp_path, words):
    done = install(bare_stick, tmp_path, *words)
    assert done.returncode == 2
    assert "usage:" in done.stderr


@pytest.mark.parametrize("folder", ["relative", "/with space", "/with;rm"])
def test_a_folder_that_a_shell_could_misread_is_refused(bare_stick, tmp_path, folder):
    assert install(bare_stick, tmp_path, "--prefix", folder).returncode == 1


def test_uninstall_keeps_the_records_unless_asked_to_purge(bare_stick, tmp_path):
    (tmp_path / "opt" / "kit-1").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    assert install(bare_stick, tmp_path, "--uninstall").returncode == 0
    assert not (tmp_path / "opt").exists()
    assert (tmp_path / "data").exists()
    assert install(bare_stick, tmp_path, "--uninstall", "--purge").returncode == 0
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_the_kit_installs_twice_without_a_network_and_passes_its_self_test(tmp_path):
    """Makes a stick for this machine, which needs a network, and installs it in a namespace without one."""
    name = f"x86_64-{sys.version_info[0]}.{sys.version_info[1]}"
    if name not in wheelhouse.TARGETS or os.geteuid() != 0:
        pytest.skip("wants root and a Python that sticks are made for")
    stick = tmp_path / "stick"
    assert wheelhouse.main(["--out", str(stick), "--target", name]) == 0
    alone = ("unshare", "--net")
    first = install(stick, tmp_path, within=alone)
    assert first.returncode == 0, first.stderr
    assert "Self-test of the chest film kit: PASSED" in first.stdout
    second = install(stick, tmp_path, within=alone)
    assert "the program is there already" in second.stdout
    assert second.returncode == 0
    compiled = list((tmp_path / "opt" / "current" / "lib").rglob("edge_app/__pycache__/*.pyc"))
    assert compiled


def test_every_word_of_the_unit_is_filled_in_by_the_installer():
    script = (HERE / "install.sh").read_text()
    assert (
        set(re.findall(r"@[A-Z]+@", UNIT))
        == set(re.findall(r"s\|(@[A-Z]+@)\|", script))
        == {
            "@PREFIX@",
            "@DATA@",
            "@USER@",
        }
    )


def test_the_units_memory_file_systems_have_sizes_that_the_kernel_reads():
    """`size=25%%` passed `systemd-analyze verify` and kept the service from starting (make test-boot)."""
    (line,) = re.findall(r"^TemporaryFileSystem=(.*)$", UNIT, re.MULTILINE)
    for mount in line.split():
        assert re.fullmatch(r"/[a-z/]+:mode=1777,size=\d+M", mount), mount


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_units_sandbox_scores_as_promised(tmp_path):
    unit = tmp_path / "cxr-edge.service"
    unit.write_text(UNIT.replace("@PREFIX@", "/opt/cxr-edge").replace("@DATA@", "/var/lib/x").replace("@USER@", "x"))
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Overall exposure level" in done.stdout
    assert done.returncode == 0, done.stdout[-300:]


def test_the_scripts_are_valid_shell():
    for script in HERE.glob("*.sh"):
        assert subprocess.run(["sh", "-n", str(script)], capture_output=True).returncode == 0, script
