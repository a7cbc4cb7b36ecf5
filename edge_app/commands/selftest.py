"""`selftest`: does the model answer on this device as it did when it was made?"""

import argparse
import json
from pathlib import Path

NAME = "selftest"
HELP = "replay the model's golden films on this device"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="a .tflite bundle; the shipped one by default")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Replay the golden films; a model that fails raises `BundleError`.

    Returns:
        0, since a failure is raised.
    """
    from edge_app.bundle import golden_difference, open_interpreter, read_bundle, shipped_bundle_path
    from edge_app.runtime import load_runtime

    bundle = read_bundle(args.model or shipped_bundle_path())
    runtime = load_runtime()
    interpreter = open_interpreter(bundle, runtime)
    result = {
        "status": "ok",
        "model": {"name": bundle.card.name, "version": bundle.card.version, "sha256": bundle.sha256},
        "runtime": str(runtime),
        "films": len(bundle.golden.films),
        "steps_off": golden_difference(bundle, interpreter),
        "steps_allowed": bundle.golden.steps_allowed[runtime.family],
    }
    if args.json:
        print(json.dumps(result))
    else:
        print(
            f"PASSED: {bundle.card.name} {bundle.card.version} ({bundle.sha256[:12]}) on {runtime}: "
            f"{result['films']} golden films, off by {result['steps_off']} steps of {result['steps_allowed']} allowed"
        )
    return 0
