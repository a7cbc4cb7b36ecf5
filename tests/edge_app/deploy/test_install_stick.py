"""The installer: refuses a bad stick, installs repeatedly without a network, and leaves nothing behind."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
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


@pytest.fixture
def keys(tmp_path):
    """The key that this machine trusts, another one, and the file of trusted signers."""
    made = [tmp_path / "trusted", tmp_path / "stranger"]
    for key in made:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (tmp_path / "allowed_signers").write_text("cxr-edge-kit " + made[0].with_suffix(".pub").read_text())
    return *made, tmp_path / "allowed_signers"


needs_openssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="openssh-client is not installed")


@needs_openssh
def test_a_stick_must_be_signed_by_a_key_that_the_machine_trusts(bare_stick, tmp_path, keys):
    trusted, stranger, signers = keys

    def said():
        done = install(bare_stick, tmp_path, "--signers", str(signers))
        assert done.returncode == 1
        return done.stdout + done.stderr

    assert "the stick is not signed, and this machine requires a signature" in said()
    wheelhouse.write_sums(bare_stick, stranger)
    assert "is not signed by a key in" in said()
    wheelhouse.write_sums(bare_stick, trusted)
    assert "the stick is signed by a key in" in (accepted := said())
    assert "it has: vax-2.0" in accepted, "the signature let it pass to the next step"
    # An attacker changes a file and makes the sums anew; the old signature stays.
    signature = (bare_stick / "SHA256SUMS.sig").read_bytes()
    (bare_stick / "kiosk-browser.sh").write_text("rm -rf /\n")
    wheelhouse.write_sums(bare_stick)
    (bare_stick / "SHA256SUMS.sig").write_bytes(signature)
    assert "is not signed by a key in" in said()
    model = ["ssh-keygen", "-q", "-Y", "sign", "-f", trusted, "-n", "cxr-edge-model", bare_stick / "SHA256SUMS"]
    (bare_stick / "SHA256SUMS.sig").unlink()
    subprocess.run(model, check=True)
    assert "is not signed by a key in" in said(), "a model's signature is none of a stick"


@needs_openssh
def test_a_file_of_signers_that_leads_nowhere_still_asks_for_a_signature(bare_stick, tmp_path, keys):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    for signers in (link, tmp_path / "missing"):
        done = install(bare_stick, tmp_path, "--signers", str(signers))
        assert (done.returncode, "requires a signature" in done.stderr) == (1, True)


@pytest.mark.skipif(Path("/etc/cxr-edge").exists(), reason="this machine has trusted signers")
def test_an_unsigned_stick_is_called_unsigned(bare_stick, tmp_path, keys):
    assert "the stick is unsigned: damage is found, a forged stick is not" in install(bare_stick, tmp_path).stdout
    wheelhouse.write_sums(bare_stick, keys[0])
    assert "signed, but this machine trusts no signer" in install(bare_stick, tmp_path).stdout


@pytest.mark.parametrize("name", ["models/more.tflite", "wheels/vax-2.0/more.whl"])
def test_a_file_that_was_added_to_a_stick_is_not_installed(bare_stick, tmp_path, name):
    (bare_stick / name).parent.mkdir(exist_ok=True)
    (bare_stick / name).write_text("added after the sums were made")
    done = install(bare_stick, tmp_path)
    assert done.returncode == 1
    assert "the stick has 1 files in wheels and models, its SHA256SUMS lists 0" in done.stderr


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


def as_installed(tmp_path, *calls):
    """Run functions of the installer as root for the user nobody, whose home and data folder are in `tmp_path`."""
    script = (HERE / "install.sh").read_text().partition('if [ "$action" = uninstall ]')[0]
    script += "\n".join(('desktop_home() { echo "$HOME_OF_NOBODY"; }', "service=yes", f"stick={HERE}", *calls))
    words = ["--prefix", str(tmp_path / "opt"), "--data-dir", str(tmp_path / "data"), "--user", "nobody"]
    return subprocess.run(
        ["sh", "-c", script, str(HERE / "install.sh"), *words, "--desktop-user", "nobody"],
        env=os.environ | {"HOME_OF_NOBODY": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def place():
    """A folder that nobody can reach, with nobody's home and data folder, and a folder and file of root's."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("home", "data"):
            (folder / part).mkdir()
            os.chown(folder / part, 65534, 65534)
        (folder / "opt").mkdir()
        (folder / "root").mkdir(mode=0o700)
        (folder / "root" / "secret").write_text("only root may read this\n")
        (folder / "root" / "secret").chmod(0o600)
        yield folder


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to act for another user")


def roots_own(place):
    return {
        path.relative_to(place): (path.stat().st_uid, path.stat().st_mode, path.is_file() and path.read_text())
        for path in [place / "root", *(place / "root").rglob("*")]
    }


@needs_root
@pytest.mark.parametrize("link", [".config", ".config/labwc", ".config/labwc/autostart"])
def test_the_installer_follows_no_link_in_the_desktop_users_home(place, link):
    """0.3.0 wrote as root into whatever the autostart file was a link to."""
    before = roots_own(place)
    path = place / "home" / link
    subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "mkdir", "-p", path.parent], check=True
    )
    path.symlink_to(place / "root" / ("secret" if link.endswith("autostart") else ""))
    as_installed(place, "make_desktop_entry || true", "remove_desktop_entry || true")
    assert roots_own(place) == before
    files = [path for path in (place / "home").rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if "only root" in path.read_text()], "0.3.0 left a copy of it"


@needs_root
def test_the_desktop_entry_is_made_once_and_removed(place):
    done = as_installed(place, "make_desktop_entry", "make_desktop_entry")
    assert done.returncode == 0, done.stderr
    entry = place / "home" / ".config" / "labwc" / "autostart"
    assert entry.read_text() == f"sh {place}/opt/kiosk-browser.sh & # cxr-edge kiosk\n"
    assert entry.stat().st_uid == 65534
    as_installed(place, "remove_desktop_entry")
    assert entry.read_text() == ""


@needs_root
def test_the_installer_follows_no_link_in_the_data_folder(place):
    before = roots_own(place)
    (place / "data" / "models").symlink_to(place / "root")
    as_installed(place, "make_user || true")
    assert roots_own(place) == before


@needs_root
def test_a_data_folder_that_is_a_link_is_refused(place):
    before = roots_own(place)
    (place / "data").rmdir()
    (place / "data").symlink_to(place / "root")
    done = as_installed(place, "make_user")
    assert (done.returncode, "is a link" in done.stderr) == (1, True)
    assert roots_own(place) == before


@needs_root
@pytest.mark.parametrize("ending", ["", ".sha256", ".sig"])
def test_a_link_on_the_stick_shows_the_kiosks_user_nothing(place, ending):
    """0.3.0 copied, as root, what the signature file was a link to, and made the copy readable for all."""
    stick = place / "stick"
    stick.mkdir()
    (stick / "m.tflite").write_text("a model")
    (stick / f"m.tflite{ending}").unlink(missing_ok=True)
    (stick / f"m.tflite{ending}").symlink_to(place / "root" / "secret")
    python = place / "opt" / "current" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nfor word in "$@"; do case $word in *.tflite) cat "${word%/*}"/*;; esac; done\n')
    python.chmod(0o755)
    assert as_installed(place, "make_launcher").returncode == 0
    launcher = place / "opt" / "bin" / "cxr-edge"
    done = subprocess.run([launcher, "models", "install", stick / "m.tflite"], capture_output=True, text=True)
    assert (done.returncode, "is a link" in done.stderr) == (1, True)
    assert "only root" not in done.stdout
    (stick / f"m.tflite{ending}").unlink()
    (stick / "m.tflite").write_text("a model")
    done = subprocess.run([launcher, "models", "install", stick / "m.tflite"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "a model"), done.stderr


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
