"""Versions side by side, one in use, one to go back to."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from edge_app.__main__ import main
from edge_app.errors import BundleError
from edge_app.model.bundle import read_bundle, shipped_bundle_path, sidecar_path
from edge_app.model.installed import ModelStore, first_that_works
from edge_app.model.trial import check_in_child
from edge_app.reading.predictor import load_predictor
from edge_app.system.home import data_home


@pytest.fixture
def store(tmp_path, reading_is_enough):
    return ModelStore(tmp_path / "data", reading_is_enough)


def version_in_use(store):
    return read_bundle(store.bundle_path(store.selection().current)).card.version


def test_without_an_installed_model_the_shipped_one_is_used(store):
    assert version_in_use(store) == read_bundle(shipped_bundle_path()).card.version
    assert not store.folder.exists()  # reading does not write


def test_an_installed_model_is_used(store, make_bundle, tmp_path):
    bundle = store.install(make_bundle(tmp_path, "9.1"))
    assert version_in_use(store) == "9.1"
    assert store.installed() == [bundle.sha256[:16]]
    assert bundle.path.parent.name == bundle.sha256[:16]


def test_two_versions_are_kept_and_no_more(store, make_bundle, tmp_path):
    versions = [store.install(make_bundle(tmp_path, f"9.{n}")).sha256[:16] for n in (1, 2, 3)]
    assert store.installed() == sorted(versions[1:])
    assert (store.selection().current, store.selection().previous) == (versions[2], versions[1])


def test_installing_the_same_model_twice_keeps_the_one_before(store, make_bundle, tmp_path):
    first, second = make_bundle(tmp_path, "9.1"), make_bundle(tmp_path, "9.2")
    for source in (first, second, second):
        store.install(source)
    store.rollback()
    assert version_in_use(store) == "9.1"


def test_installing_again_mends_a_damaged_copy(store, make_bundle, tmp_path):
    installed = store.install(make_bundle(tmp_path, "9.1")).path
    installed.write_bytes(b"rust")
    store.install(tmp_path / "model-9.1.tflite")
    assert version_in_use(store) == "9.1"


def test_rollback_goes_back_and_forth(store, make_bundle, tmp_path):
    for version in ("9.1", "9.2"):
        store.install(make_bundle(tmp_path, version))
    seen = []
    for _ in range(3):
        store.rollback()
        seen.append(version_in_use(store))
    assert seen == ["9.1", "9.2", "9.1"]


def test_rollback_of_the_first_model_returns_to_the_shipped_one(store, make_bundle, tmp_path):
    store.install(make_bundle(tmp_path, "9.1"))
    assert store.rollback() == "shipped"


def test_rollback_says_when_there_is_nothing_to_go_back_to(store):
    with pytest.raises(BundleError, match="nothing to go back to"):
        store.rollback()


def test_use_takes_the_first_digits(store, make_bundle, tmp_path):
    first = store.install(make_bundle(tmp_path, "9.1")).sha256
    store.install(make_bundle(tmp_path, "9.2"))
    assert store.use(first[:6]) == first[:16]
    with pytest.raises(BundleError, match="no models begin with 'zz'"):
        store.use("zz")


def test_a_model_that_fails_its_check_is_not_installed(tmp_path, make_bundle, version_refusing):
    store = ModelStore(tmp_path / "data", version_refusing("9.2"))
    store.install(make_bundle(tmp_path, "9.1"))
    with pytest.raises(BundleError, match="SIGSEGV"):
        store.install(make_bundle(tmp_path, "9.2"))
    assert version_in_use(store) == "9.1"
    assert sorted(f.name for f in store.folder.iterdir()) == sorted([".lock", *store.installed(), "current"])


def test_a_model_with_the_wrong_hash_is_not_installed(store, make_bundle, tmp_path):
    source = make_bundle(tmp_path, "9.1")
    sidecar_path(source).write_text(f"{'0' * 64}  {source.name}\n")
    with pytest.raises(BundleError, match="is damaged"):
        store.install(source)
    assert store.selection().current == "shipped"


def test_at_start_a_damaged_model_gives_way_to_the_one_before(store, make_bundle, tmp_path):
    store.install(make_bundle(tmp_path, "9.1"))
    damaged = store.install(make_bundle(tmp_path, "9.2")).path
    damaged.write_bytes(damaged.read_bytes()[:-1])
    bundle, refused = first_that_works(read_bundle, None, tmp_path / "data")
    assert bundle.card.version == "9.1"
    assert len(refused) == 1
    assert "is damaged" in refused[0]


def test_at_start_two_damaged_models_give_way_to_the_shipped_one(store, make_bundle, tmp_path, caplog):
    for version in ("9.1", "9.2"):
        store.install(make_bundle(tmp_path, version)).path.write_bytes(b"rust")
    predictor = load_predictor(data=tmp_path / "data")
    assert predictor.bundle.path == shipped_bundle_path()
    assert caplog.records[-1].getMessage() == "continuing with model shipped"
    assert len(caplog.records) == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 40, b"../../etc\nshipped\n", b"shipped\n", b"\xff\xfe"],
    ids=["empty", "zeros", "outside", "one_line", "no_text"],
)
def test_at_start_a_damaged_choice_gives_way_to_the_shipped_model(store, make_bundle, tmp_path, content):
    store.install(make_bundle(tmp_path, "9.1"))
    (store.folder / "current").write_bytes(content)
    bundle, refused = first_that_works(read_bundle, None, tmp_path / "data")
    assert bundle.path == shipped_bundle_path()
    assert len(refused) == 1


def test_a_named_model_has_no_substitute(tmp_path):
    with pytest.raises(BundleError, match=r"gone\.tflite is missing"):
        load_predictor(tmp_path / "gone.tflite", tmp_path)


def test_settle_remembers_that_it_went_back(tmp_path, make_bundle, reading_is_enough, version_refusing):
    store = ModelStore(tmp_path / "data", reading_is_enough)
    for version in ("9.1", "9.2"):
        store.install(make_bundle(tmp_path, version))
    version, refused = ModelStore(tmp_path / "data", version_refusing("9.2")).settle()
    assert version == store.selection().current
    assert version_in_use(store) == "9.1"
    assert "SIGSEGV" in refused[0]


def test_settle_leaves_a_good_model_alone(store, make_bundle, tmp_path):
    store.install(make_bundle(tmp_path, "9.1"))
    before = (store.folder / "current").stat().st_mtime_ns
    assert store.settle() == (store.selection().current, [])
    assert (store.folder / "current").stat().st_mtime_ns == before


def test_a_child_that_crashes_refuses_the_model(tmp_path):
    """The real thing: a file that kills the interpreter kills only the child."""
    path = tmp_path / "killer.tflite"
    path.write_bytes(b"")
    fake_python = tmp_path / "python"
    fake_python.write_text("#!/bin/sh\nkill -SEGV $$\n")
    fake_python.chmod(0o755)
    with pytest.raises(BundleError, match="SIGSEGV"):
        check_in_child(path, python=str(fake_python))


def test_a_child_that_hangs_refuses_the_model(tmp_path):
    fake_python = tmp_path / "python"
    fake_python.write_text("#!/bin/sh\nexec sleep 60\n")
    fake_python.chmod(0o755)
    with pytest.raises(BundleError, match="no answer in 0 s"):
        check_in_child(tmp_path / "model.tflite", timeout_s=0.3, python=str(fake_python))


def test_the_check_in_a_child_passes_the_shipped_model_and_names_what_it_refuses(tmp_path):
    check_in_child(shipped_bundle_path())
    with pytest.raises(BundleError, match=r"gone\.tflite is missing"):
        check_in_child(tmp_path / "gone.tflite")


def test_the_commands_install_list_and_roll_back(tmp_path, make_bundle, capsys):
    folder = ["--data-dir", str(tmp_path / "data")]
    assert main(["models", "install", str(make_bundle(tmp_path, "9.1")), *folder]) == 0
    assert main(["models", "list", *folder]) == 0
    assert capsys.readouterr().out.splitlines()[-2].startswith("* ")
    assert main(["models", "rollback", *folder]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("* shipped")
    assert main(["models", "settle", *folder, "--json"]) == 0


def test_list_fails_when_the_model_in_use_is_damaged(tmp_path, make_bundle, store, capsys):
    store.install(make_bundle(tmp_path, "9.1")).path.unlink()
    assert main(["models", "list", "--data-dir", str(tmp_path / "data")]) == 1
    assert "is not there" in capsys.readouterr().out


def test_the_selftest_says_when_another_model_took_over(tmp_path, make_bundle, store, capsys):
    store.install(make_bundle(tmp_path, "9.1")).path.write_bytes(b"rust")
    assert main(["selftest", "--data-dir", str(tmp_path / "data")]) == 1
    out = capsys.readouterr().out
    assert "PASSED WITH ANOTHER MODEL" in out
    assert "REFUSED: " in out


def test_the_selftest_replays_every_golden_film_within_its_steps(tmp_path, capsys):
    assert main(["selftest", "--data-dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    films = len(read_bundle(shipped_bundle_path()).golden.films)
    assert out.count("golden film ") == films
    assert out.startswith("Self-test of the chest film kit: PASSED\n")


def test_the_data_folder_is_the_first_one_named(monkeypatch, tmp_path):
    monkeypatch.delenv("CXR_EDGE_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/desktop")
    assert data_home() == Path("/desktop/cxr-edge")
    monkeypatch.setenv("CXR_EDGE_HOME", "/kit")
    assert data_home() == Path("/kit")
    assert data_home(tmp_path) == tmp_path


@pytest.fixture
def signing_key(tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


def sign(key, path):
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "cxr-edge-model", str(path)], check=True)


@pytest.fixture
def store_with_signers(store, signing_key):
    store.signers[0].parent.mkdir()
    store.signers[0].write_text("cxr-edge-kit " + signing_key.with_suffix(".pub").read_text())
    return store


needs_openssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="openssh-client is not installed")


@needs_openssh
def test_a_signed_model_is_installed_where_signatures_are_required(
    store_with_signers, signing_key, make_bundle, tmp_path
):
    source = make_bundle(tmp_path, "9.1")
    sign(signing_key, source)
    store_with_signers.install(source)
    assert version_in_use(store_with_signers) == "9.1"


@needs_openssh
def test_an_unsigned_or_forged_model_is_refused_where_signatures_are_required(
    store_with_signers, make_bundle, tmp_path
):
    source = make_bundle(tmp_path, "9.1")
    with pytest.raises(BundleError, match="is not signed"):
        store_with_signers.install(source)
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    sign(stranger, source)
    with pytest.raises(BundleError, match="not signed by a key"):
        store_with_signers.install(source)
    assert store_with_signers.selection().current == "shipped"


@needs_openssh
def test_a_link_that_leads_nowhere_still_asks_for_a_signature(store, make_bundle, tmp_path):
    store.signers[0].parent.mkdir()
    store.signers[0].symlink_to(tmp_path / "gone")
    with pytest.raises(BundleError, match="is not signed"):
        store.install(make_bundle(tmp_path, "9.1"))


@needs_openssh
@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to act as another user")
def test_the_kiosks_own_user_cannot_make_unsigned_models_pass(make_bundle, signing_key):
    """That user owns the data folder and may rename what root put there, but not what lies in /etc."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root, data = Path(folder), Path(folder) / "data"
        root.chmod(0o755)
        data.mkdir()
        os.chown(data, 65534, 65534)
        (root / "etc").mkdir()
        for place in (data, root / "etc"):
            (place / "allowed_signers").write_text("cxr-edge-kit " + signing_key.with_suffix(".pub").read_text())
        kiosk = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        moved = [
            subprocess.run([*kiosk, "mv", place / "allowed_signers", place / "away"], capture_output=True).returncode
            for place in (data, root / "etc")
        ]
        assert moved == [0, 1]
        store = ModelStore(data, lambda path: None, system_signers=root / "etc" / "allowed_signers")
        with pytest.raises(BundleError, match="is not signed"):
            store.install(make_bundle(root, "9.1"))


@needs_openssh
def test_a_signature_of_another_file_is_refused(store_with_signers, signing_key, make_bundle, tmp_path):
    signed, swapped = make_bundle(tmp_path, "9.1"), make_bundle(tmp_path, "9.2")
    sign(signing_key, signed)
    signed.with_name(signed.name + ".sig").rename(swapped.with_name(swapped.name + ".sig"))
    with pytest.raises(BundleError, match="not signed by a key"):
        store_with_signers.install(swapped)
