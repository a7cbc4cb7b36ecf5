"""Signing with Ed25519 keys of OpenSSH, which is part of Raspberry Pi OS, so that no other package is needed.

`convert --sign` signs bundles, which `edge_app.model.signature` checks; `edge_app web --key` signs pages for phones.
"""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

from edge_app.errors import DataError

Signer = Callable[[bytes], bytes]
KEY_KIND = "(ED25519)"


def read_signer(key: Path, namespace: str, program: str = "ssh-keygen") -> Signer:
    """A function that signs bytes with an Ed25519 key; the key is tried at once.

    Args:
        key: a private key in OpenSSH's format, without a passphrase or held by an agent.
        namespace: what the signatures are for; one for another purpose does not hold.
        program: name or path of ssh-keygen.
    Raises:
        DataError: the key is missing, of another kind or cannot sign, or OpenSSH is missing.
    """
    if not key.is_file():
        raise DataError(f"{key} is missing: make a key with ssh-keygen -t ed25519 -f {key}")
    kind = _run([program, "-l", "-f", str(key)], key, b"").decode(errors="replace").strip()
    if not kind.endswith(KEY_KIND):
        raise DataError(f"{key} is {kind.rpartition('(')[2].rstrip(')') or 'no key'}, expected an Ed25519 key")

    def sign(content: bytes) -> bytes:
        return _run([program, "-Y", "sign", "-q", "-f", str(key), "-n", namespace], key, content)

    sign(b"a trial, so that a missing passphrase is noticed before an hour of work")
    return sign


def make_key(path: Path, program: str = "ssh-keygen") -> None:
    """Make an Ed25519 key that only its owner may read; raises as `read_signer`."""
    _run([program, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], path, b"")


def ed25519_of(signature: bytes) -> tuple[bytes, bytes]:
    """The public key (32 bytes) and the signature proper (64) in a signature of OpenSSH (PROTOCOL.sshsig)."""
    content = base64.b64decode(b"".join(signature.split(b"\n")[1:-2]))
    return content[33:65], content[-64:]


def _run(command: list[str], key: Path, content: bytes) -> bytes:
    try:
        # No terminal, so that a key with a passphrase fails instead of asking for it.
        done = subprocess.run(command, input=content, capture_output=True, check=False, start_new_session=True)
    except FileNotFoundError as cause:
        raise DataError(f"{command[0]} is missing, so nothing can be signed: install openssh-client") from cause
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise DataError(f"{key} cannot sign: {lines[-1]}: it takes an Ed25519 key without passphrase")
    return done.stdout
