"""Signing bundles with an Ed25519 key: `convert --sign KEY`. The device's half is `edge_app.signature`."""

from collections.abc import Callable
from pathlib import Path

from edge_app.errors import DataError

Signer = Callable[[bytes], bytes]


def read_signer(path: Path) -> Signer:
    """A function that signs bytes with the private key in a PEM file.

    Raises:
        DataError: no such file, no Ed25519 key, a key behind a password, or `cryptography` is missing.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as cause:
        raise DataError("--sign needs the cryptography package: pip install 'cxr-edge-kit[sign]'") from cause
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise DataError(
            f"{path} is no private key in PEM without password ({cause}): "
            f"make one with openssl genpkey -algorithm ed25519 -out {path}"
        ) from cause
    if not isinstance(key, Ed25519PrivateKey):
        raise DataError(f"{path} holds a {type(key).__name__}, expected an Ed25519 private key")
    return key.sign
