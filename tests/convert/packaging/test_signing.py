import subprocess
from pathlib import Path

import pytest

from edge_app.errors import BundleError, DataError
from edge_app.model.bundle import Bundle, write_bundle
from edge_app.model.signature import NAMESPACE, PRINCIPAL, check_signature, signature_path
from edge_app.system.signing import read_signer


def _key(path: Path, *words: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", *words, "-f", str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return _key(tmp_path / "key", "ed25519", "-N", "")


def test_what_is_signed_here_is_trusted_by_the_device_and_nothing_else(
    shipped: Bundle, key: Path, tmp_path: Path
) -> None:
    signers = tmp_path / "allowed_signers"
    signers.write_text(f"{PRINCIPAL} {key.with_name('key.pub').read_text()}")
    path = tmp_path / "signed.tflite"
    write_bundle(
        path, shipped.model, shipped.card, shipped.golden, "text", shipped.locator, read_signer(key, NAMESPACE)
    )
    check_signature(path, path.read_bytes(), signers)
    with pytest.raises(BundleError, match="not signed by a key"):
        check_signature(path, path.read_bytes() + b"x", signers)


def test_unsigned_bundle_leaves_no_older_signature_behind(shipped: Bundle, key: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    for sign in (read_signer(key, NAMESPACE), None):
        write_bundle(path, shipped.model, shipped.card, shipped.golden, "text", shipped.locator, sign)
    assert not signature_path(path).exists()


def test_key_that_cannot_sign_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is missing"):
        read_signer(tmp_path / "none", NAMESPACE)
    (tmp_path / "text").write_text("no key")
    with pytest.raises(DataError, match="cannot sign"):
        read_signer(tmp_path / "text", NAMESPACE)
    with pytest.raises(DataError, match="expected an Ed25519 key"):
        read_signer(_key(tmp_path / "ecdsa", "ecdsa", "-N", ""), NAMESPACE)
    with pytest.raises(DataError, match="without passphrase"):
        read_signer(_key(tmp_path / "locked", "ed25519", "-N", "a passphrase"), NAMESPACE)
    with pytest.raises(DataError, match="install openssh-client"):
        read_signer(_key(tmp_path / "good", "ed25519", "-N", ""), NAMESPACE, program="no-such-program")
