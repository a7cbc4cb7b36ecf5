"""`doctor`: what is installed on this device, which runtime is used and why, what is missing."""

import argparse
import json

NAME = "doctor"
HELP = "say what is installed, which runtime is used, and what is missing"
# package: what it is needed for
PACKAGES = {
    "numpy": "everything",
    "pillow": "everything",
    "ai-edge-litert": "running the model (preferred: many times faster on int8)",
    "tflite-runtime": "running the model where ai-edge-litert has no wheel (32-bit ARM)",
    "gradio": "the kiosk page; predict works without it",
    "pydicom": "DICOM films",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Report on this device.

    Returns:
        0 if the shipped model answers its golden films here; else the error is raised.
    """
    import platform

    from edge_app.bundle import open_interpreter, read_bundle, shipped_bundle_path
    from edge_app.runtime import load_runtime

    report = {"machine": platform.machine(), "python": platform.python_version()}
    report |= {name: _version(name) or "missing" for name in PACKAGES}
    if not args.json:
        for name, value in report.items():
            note = f"   needed for {PACKAGES[name]}" if value == "missing" else ""
            print(f"{name:16} {value}{note}")
    runtime = load_runtime()
    bundle = read_bundle(shipped_bundle_path())
    open_interpreter(bundle, runtime)
    report |= {"runtime": str(runtime), "model": f"{bundle.card.name} {bundle.card.version}"}
    if args.json:
        print(json.dumps(report))
    else:
        print(f"{'runtime used':16} {runtime}\n{'model':16} {report['model']}: golden films passed")
    return 0


def _version(package: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
