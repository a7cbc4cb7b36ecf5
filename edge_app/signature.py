"""Ed25519 signatures of bundles, for devices that take models from one sender only.

A hash tells damage, not deceit: who can change a bundle can change its `.sha256`. Where
`CXR_EDGE_PUBLIC_KEY` names a public key, a bundle without a good `.sig` of that key is refused.
"""

import os
from pathlib import Path
from typing import Any

from edge_app.errors import BundleError

KEY_VARIABLE = "CXR_EDGE_PUBLIC_KEY"
SIGNATURE_BYTES = 64


def signature_path(path: Path) -> Path:
    """Where the signature of a bundle stands: 64 bytes over the whole file."""
    return path.with_name(path.name + ".sig")


def check_required_signature(path: Path, content: bytes) -> None:
    """Check a bundle's signature where this device demands one; else do nothing.

    Raises:
        BundleError: the signature is missing or not of this content and key, or the key or the
            `cryptography` package is missing.
    """
    key_path = os.environ.get(KEY_VARIABLE)
    if key_path:
        check_signature(path, content, Path(key_path))


def check_signature(path: Path, content: bytes, key_path: Path) -> None:
    """Check a bundle's signature with a public key in PEM.

    Raises:
        BundleError: as for `check_required_signature`.
    """
    key = _public_key(key_path)
    try:
        signature = signature_path(path).read_bytes()
    except OSError as cause:
        raise BundleError(
            f"{path.name} has no signature, this device demands one ({KEY_VARIABLE}): copy its .sig too"
        ) from cause
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, content)
    except InvalidSignature as cause:
        raise BundleError(
            f"{path.name} is not signed by the key in {key_path}: do not use it; ask the sender for it again"
        ) from cause


def _public_key(path: Path) -> Any:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as cause:
        raise BundleError("signatures need the cryptography package: pip install 'cxr-edge-kit[sign]'") from cause
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as cause:
        raise BundleError(f"{path} is no public key in PEM ({cause}): set {KEY_VARIABLE} to one") from cause
    if not isinstance(key, Ed25519PublicKey):
        raise BundleError(f"{path} holds a {type(key).__name__}, expected an Ed25519 public key")
    return key
