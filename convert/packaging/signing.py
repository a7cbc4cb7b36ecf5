"""Signing bundles: `convert --sign KEY`. The device checks signatures with `edge_app.model.signature`.

Both use OpenSSH, which is part of Raspberry Pi OS, so neither needs another package.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

from edge_app.errors import DataError
from edge_app.model.signature import NAMESPACE

Signer = Callable[[bytes], bytes]
KEY_KIND = "(ED25519)"


def read_signer(key: Path, program: str = "ssh-keygen") -> Signer:
    """A function that signs bytes with an Ed25519 key; the key is tried before anything is converted.

    Args:
        key: a private key in OpenSSH's format, without a passphrase or held by an agent.
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
        return _run([program, "-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE], key, content)

    sign(b"a trial, so that a missing passphrase is noticed before an hour of work")
    return sign


def _run(command: list[str], key: Path, content: bytes) -> bytes:
    try:
        # No terminal, so that a key with a passphrase fails instead of asking for it.
        done = subprocess.run(command, input=content, capture_output=True, check=False, start_new_session=True)
    except FileNotFoundError as cause:
        raise DataError(f"{command[0]} is missing, so nothing can be signed: install openssh-client") from cause
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise DataError(f"{key} cannot sign: {lines[-1]}: give --sign an Ed25519 key without passphrase")
    return done.stdout
