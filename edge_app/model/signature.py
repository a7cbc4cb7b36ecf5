"""Signatures of model files, made and checked with OpenSSH, which every Raspberry Pi OS has.

Whoever makes models signs them:  ssh-keygen -Y sign -f KEY -n cxr-edge-model FILE.tflite
A device that holds `allowed_signers` (see ssh-keygen(1)) installs nothing unsigned.
"""

import subprocess
from pathlib import Path

from edge_app.errors import BundleError

NAMESPACE = "cxr-edge-model"
PRINCIPAL = "cxr-edge-kit"  # how a line of `allowed_signers` must begin


def signature_path(bundle: Path) -> Path:
    """The path of a bundle's signature."""
    return bundle.with_name(bundle.name + ".sig")


def check_signature(bundle: Path, content: bytes, signers: Path, program: str = "ssh-keygen") -> None:
    """Check that a signer whom this device trusts has signed the bundle.

    Args:
        content: the bytes of the bundle as they will be installed.
        signers: a file in the format of OpenSSH's allowed_signers.
    Raises:
        BundleError: not signed, signed by no trusted signer, or OpenSSH is not installed.
    """
    signature = signature_path(bundle)
    if not signature.is_file():
        raise BundleError(
            f"{bundle.name} is not signed, and this device requires a signature: {signature.name} is missing"
        )
    command = [program, "-Y", "verify", "-f", str(signers), "-I", PRINCIPAL, "-n", NAMESPACE, "-s", str(signature)]
    try:
        verdict = subprocess.run(command, input=content, capture_output=True, check=False)
    except FileNotFoundError as cause:
        raise BundleError(f"{program} is missing, so no signature can be checked: install openssh-client") from cause
    if verdict.returncode:
        lines = verdict.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise BundleError(f"{bundle.name} is not signed by a key in {signers}: {lines[-1]}: do not install it")
