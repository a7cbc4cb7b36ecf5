"""The stick's bill of materials in CycloneDX 1.6 (ECMA-424), JSON: kit, wheels, and models with their cards."""

import email
import io
import json
import re
import uuid
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edge_app.system.files import sha256_of

NAME = "sbom.cdx.json"


def write_sbom(out: Path) -> None:
    """Write the bill of a stick that has the kit's wheel; the same files give the same bytes."""
    wheels = {wheel.name: wheel for wheel in sorted(out.glob("wheels/*/*.whl"))}
    (kit,) = (wheel for name, wheel in wheels.items() if name.startswith("cxr_edge_kit-"))
    models = {path.name: path.read_bytes() for path in sorted(out.glob("models/*.tflite"))}
    with zipfile.ZipFile(kit) as archive:
        shipped = [name for name in archive.namelist() if re.fullmatch(r"edge_app/models/[^/]+\.tflite", name)]
        models |= {name: archive.read(name) for name in shipped}
    components = [_wheel(out, wheel) for wheel in wheels.values() if wheel != kit]
    components += [_model(name, content) for name, content in models.items()]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(components))}",
        "version": 1,
        "metadata": {"component": _wheel(out, kit) | {"type": "application"}},
        "components": components,
        "dependencies": [{"ref": kit.name, "dependsOn": [each["bom-ref"] for each in components]}],
    }
    (out / NAME).write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


def wheel_metadata(wheel: Path) -> Message:
    """The METADATA of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        return email.message_from_bytes(archive.read(name))


def _wheel(out: Path, wheel: Path) -> dict[str, Any]:
    metadata = wheel_metadata(wheel)
    package = re.sub(r"[-_.]+", "-", metadata["Name"]).lower()
    targets = sorted(path.parent.name for path in out.glob(f"wheels/*/{wheel.name}"))
    return _component("library", wheel.name, metadata["Name"], metadata["Version"], wheel.read_bytes()) | {
        "purl": f"pkg:pypi/{package}@{quote(metadata['Version'])}?file_name={quote(wheel.name, safe='')}",
        "licenses": [{"expression": each} for each in metadata.get_all("License-Expression") or []],
        "properties": [{"name": "cxr-edge:target", "value": target} for target in targets],
    }


def _model(file: str, content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        card = json.loads(archive.read("card.json"))
    films = f"{card['data_attribution']} {card['data_licence']}"
    figures = [
        {
            "type": figure,
            "value": str(point[figure]["value"]),
            "slice": f"validation films at {name}, threshold {point['threshold']}",
            "confidenceInterval": {"lowerBound": str(point[figure]["low"]), "upperBound": str(point[figure]["high"])},
        }
        for name, point in card["operating_points"].items()
        for figure in ("recall", "specificity")
    ]
    return _component("machine-learning-model", file, card["name"], card["version"], content) | {
        "modelCard": {
            "modelParameters": {
                "task": "image classification",
                "datasets": [{"type": "dataset", "name": "training films", "description": films}],
                "inputs": [{"format": f"gray film, {card['input_size_px']} pixels a side"}],
                "outputs": [{"format": f"logits of {', '.join(card['labels'])}"}],
            },
            "quantitativeAnalysis": {"performanceMetrics": figures},
            "considerations": {"useCases": [card["intended_use"]], "technicalLimitations": card["not_checked"]},
        },
    }


def _component(kind: str, file: str, name: str, version: str, content: bytes) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": sha256_of(content)}]
    return {"type": kind, "bom-ref": file, "name": name, "version": version, "hashes": hashes}
