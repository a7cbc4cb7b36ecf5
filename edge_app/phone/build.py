"""Builds the page for a phone: one HTML file with the bundle in it, and what a server needs to let it be installed."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from edge_app.errors import BundleError
from edge_app.model.bundle import Bundle
from edge_app.phone.rules import rules_for, texts
from edge_app.system.files import sha256_of, write_together
from edge_app.system.signing import Signer, ed25519_of

STATIC = Path(__file__).parent / "static"
PAGE, WORKER, MANIFEST, ICON = "index.html", "sw.js", "manifest.webmanifest", "icon.svg"
UPDATE = "update.json"  # what a service worker needs to know of a page before it takes it
NAMESPACE = "cxr-phone-page"  # as in static/sw.js: a signature of a model or a stick is none of a page
MODULES = (  # what a module uses while it loads stands before it
    "refusal", "network", "resize", "prepare", "checks", "decide", "dct", "jpeg", "png", "age", "film", "rendering",
    "dicom", "bundle", "contour", "reading", "page",
)  # fmt: skip
IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
INDENTATION = re.compile(r"^ +", re.MULTILINE)
EXPORT = re.compile(r"^export ", re.MULTILINE)
COMMENT = re.compile(r"^(?://.*|/\*\*(?:.|\n)*?\*/)\n", re.MULTILINE)  # with lines of its own
POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; manifest-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'{connect}"
)


@dataclass(frozen=True)
class Page:
    """The files of a page by name; `index.html` alone is enough on a stick or a memory card."""

    files: dict[str, bytes]

    def write(self, folder: Path) -> None:
        """Write every file.

        Raises:
            OSError: the folder cannot be written; what was there before is untouched.
        """
        folder.mkdir(parents=True, exist_ok=True)
        write_together({folder / name: content for name, content in self.files.items()})


def build_page(
    bundle: Bundle, operating_point: str | None = None, sign: Signer | None = None, is_kiosks: bool = False
) -> Page:
    """Build the page.

    Args:
        bundle: a model that finds the lungs, with statistics of its training films.
        operating_point: a name from the card; its default when left out.
        sign: signs the page for NAMESPACE. An installed page takes an update if the same key signed both.
        is_kiosks: a kiosk serves it, to which it can hand films. Any other page may connect to nothing.
    Raises:
        BundleError: the page cannot run this bundle.
    """
    if bundle.locator is None or not bundle.card.features or not bundle.card.is_about_pneumonia:
        raise BundleError(
            f"{bundle.path.name} is a bundle of format 1, without statistics of its training films, or of another "
            "finding than pneumonia: the page for a phone needs a bundle that this version's convert made"
        )
    blocks = {"BUNDLE": bundle.content, "TEXTS": json.dumps(texts(), ensure_ascii=False).encode()}
    key = base64.b64encode(ed25519_of(sign(b""))[0]).decode() if sign else ""
    rules = rules_for(bundle, operating_point)
    rules |= {"textsHash": sha256_of(blocks["TEXTS"]), "updateKey": key, "isKiosks": is_kiosks}
    script = f"const rules = {json.dumps(rules, ensure_ascii=False)};\n" + "".join(map(_module, MODULES))
    style = _static("page.css")
    connect = "; connect-src 'self'" if is_kiosks else ""
    policy = POLICY.format(script=_source_hash(script), style=_source_hash(style), connect=connect)
    content = _static(PAGE)
    parts = {"POLICY": policy, "UPDATE_KEY": key, "STYLE": style, "SCRIPT": script}
    parts |= {name: _packed(block) for name, block in blocks.items()}
    page = re.sub(rf"(?<=[>\"])({'|'.join(parts)})(?=[<\"])", lambda found: parts[found[0]], content).encode()
    signature = base64.b64encode(ed25519_of(sign(page))[1]).decode() if sign else ""
    manifest = {
        "name": "Chest film reader",
        "short_name": "Chest films",
        "start_url": "./",
        "display": "standalone",
        "background_color": "#101316",
        "theme_color": "#101316",
        "icons": [{"src": ICON, "sizes": "any", "type": "image/svg+xml"}],
    }
    return Page(
        {
            PAGE: page,
            WORKER: _static(WORKER).encode(),
            UPDATE: json.dumps({"sha256": sha256_of(page), "signature": signature}).encode(),
            MANIFEST: json.dumps(manifest, indent=1).encode(),
            ICON: _static(ICON).encode(),
        }
    )


def _module(name: str) -> str:
    """A module without its imports, exports, indentation and comments: all become one, whose names must differ."""
    return COMMENT.sub("", INDENTATION.sub("", EXPORT.sub("", IMPORT.sub("", _static(f"{name}.js")))))


def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _packed(content: bytes) -> str:
    """Bytes as text of five characters for four: base 64 would make the page a tenth larger."""
    text = base64.b85encode(zlib.compress(content, 9)).decode()
    return text.replace("<!--", "<!- -")  # the one thing that HTML would read there


def _source_hash(text: str) -> str:
    """What a content security policy calls a script or style of this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
