"""`selftest`: checks that this device scores films as the computer that made the model did. Prints a report."""

import argparse
import json
from pathlib import Path
from typing import Any

HELP = "replay the model's golden films on this device, and take a drawn film through the kiosk's pages and records"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="a .tflite bundle (default: this device's model)")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where this device keeps its models")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Test the model; when no model passes, `BundleError` is raised.

    Returns:
        0 if the model passed; 1 if the installed model failed and another one took its place.
    """
    from edge_app.kiosk.model_walk import self_test
    from edge_app.model.installed import first_that_works
    from edge_app.system.home import data_home

    result, refused = first_that_works(self_test, args.model, data_home(args.data_dir))
    result |= {"status": "fallback" if refused else "ok", "refused": refused}
    print(json.dumps(result) if args.json else _verdict(result))
    return int(bool(refused))


def _verdict(result: dict[str, Any]) -> str:
    """A page that a clinic can print, sign and file."""
    model, device = result["model"], result["device"]
    heading = "PASSED" if result["status"] == "ok" else "PASSED WITH ANOTHER MODEL than the one installed"
    lines = [
        f"Self-test of the chest film kit: {heading}",
        "",
        f"model     {model['name']} {model['version']}, SHA-256 {model['sha256']}",
        f"runtime   {result['runtime']} ({result['kernels']} kernels)",
        f"device    {device['model']}, {device['machine']}, name {device['name']}",
        f"kit       {result['kit']} on Python {device['python']}",
        f"time      {device['time']} by this device's clock; start {device['boot_id']}",
        "",
    ]
    lines += [
        f"golden film {number}: {film['decision']}, P(pneumonia) {film['p_pneumonia']:.4f}, "
        f"off by {film['steps_off']} of {result['steps_allowed']} steps allowed"
        for number, film in enumerate(result["golden"], 1)
    ]
    lines.append(f"drawn film through page, record, report and export: {result['kiosk']}")
    lines += [f"REFUSED: {sentence}" for sentence in result["refused"]]
    if model["phantom"]:
        lines += ["", "PHANTOM MODEL: trained on drawings, for demonstration only."]
    return "\n".join([*lines, "", "Checked by: ____________________   Date: ______________"])
