"""What the page must know of the kit's rules: their constants, the refusals' sentences and the texts, read from here.

The page's own code holds none of them, so that each has one place.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from edge_app.errors import FilmRefused, FilmUnreadable
from edge_app.imaging import codestream, gray_levels, heatmap, limits, lung_field, preprocess
from edge_app.imaging.dicom import age, checks, container, rendering, syntaxes, words
from edge_app.imaging.formats import pillow
from edge_app.model import golden, preparation
from edge_app.model.bundle import Bundle
from edge_app.reading import evidence, film_checks, rejection
from edge_app.reading.predictor import INTERNAL_ERROR
from edge_app.version import __version__

KIT = Path(__file__).parents[1]
RAISING = ("imaging", "model", "reading")  # the rooms that refuse films
STATIC = Path(__file__).parent / "static"
SYMBOLS = {"pneumonia": "▲", "normal": "●", "uncertain": "◆"}
TEXTS = (KIT / "kiosk" / "locales", Path(__file__).parent / "locales")  # the page's own go first
NAMED = re.compile(r"""(?:say\(|data-say=|^ *|, )"?(\w+)(?:"|:)""", re.MULTILINE)  # keys of texts in the page's code
BEGUN = re.compile(r"say\(`(\w+_)\$")


def rules_for(bundle: Bundle, operating_point: str | None = None) -> dict[str, Any]:
    """The rules for a page with this bundle, as JSON can hold them.

    Args:
        bundle: its card may hold the site's own threshold.
        operating_point: a name from the card; its default when left out.
    Raises:
        BundleError: the card has no such operating point.
    """
    name, point = bundle.card.operating_point(operating_point)
    return {
        "kit": __version__,
        "runtime": f"phone page {__version__}",
        "bundle": {"name": bundle.path.name, "sha256": bundle.sha256},
        "operatingPoint": {"name": name, "threshold": point.threshold},
        "damagedBundle": _message("model/bundle.py", "is damaged: its SHA-256"),
        "notHere": golden.NOT_HERE,
        "internalError": INTERNAL_ERROR.sentence,
        "preparation": _constants(preparation),
        "preprocess": _constants(preprocess),
        "lungField": _constants(lung_field),
        "grayLevels": _constants(gray_levels),
        "filmChecks": _constants(film_checks),
        "rejection": _constants(rejection),
        "evidence": _constants(evidence),
        "heatmap": _constants(heatmap),
        "limits": _constants(limits),
        "codestream": _constants(codestream),
        "pillow": _constants(pillow),
        "rendering": _constants(rendering),
        "dicom": _constants(checks) | _constants(words) | _constants(container)
        | {"syntaxes": _constants(syntaxes), "age": _constants(age)},
        "symbols": SYMBOLS,
        "refusals": refusals(),
    }  # fmt: skip


def _constants(module: ModuleType) -> dict[str, Any]:
    """A module's numbers, texts and lists of them."""
    named = {name: _plain(value) for name, value in vars(module).items() if name.lstrip("_").isupper()}
    return {name: value for name, value in named.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, dict):
        return value if all(isinstance(each, str | int | float) for each in (*value, *value.values())) else None
    if isinstance(value, tuple | list):
        return list(value) if all(isinstance(each, str | int | float) for each in value) else None
    return value if isinstance(value, str | int | float) else None


@cache
def refusals() -> dict[str, Any]:
    """Every refusal that the kit raises, by code: its status, and its sentences with their values as {0}, {1}."""
    found: dict[str, dict[str, Any]] = {}
    for path in (path for room in RAISING for path in sorted((KIT / room).rglob("*.py"))):
        for kind, code, sentence in _raised(path):
            known = found.setdefault(code, {"status": kind.status, "sentences": []})
            known["sentences"] += [sentence] if sentence not in known["sentences"] else []
    for code, sentence in rejection.SENTENCES.items():
        known = found.setdefault(code, {"status": FilmRefused.status, "sentences": []})
        known["sentences"].insert(0, sentence)
    return found


def _raised(path: Path) -> Iterator[tuple[type[FilmRefused | FilmUnreadable], str, str]]:
    """The refusals that a module names: class, code and sentence."""
    kinds: dict[str, Any] = {"FilmRefused": FilmRefused, "FilmUnreadable": FilmUnreadable}
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in kinds):
            continue
        code, sentence = (*call.args, None, None)[:2]
        if isinstance(code, ast.Constant) and sentence is not None:
            text = _template(sentence, path)
            if text:
                yield kinds[call.func.id], str(code.value), text


def _template(node: ast.expr, path: Path) -> str:
    """A sentence with its values as {0}, {1}; "" for one that another function makes."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        module = ".".join(path.relative_to(KIT.parent).with_suffix("").parts)
        return str(getattr(import_module(module), node.id, ""))
    if not isinstance(node, ast.JoinedStr):
        return ""
    gaps = iter(range(len(node.values)))
    return "".join(str(part.value) if isinstance(part, ast.Constant) else f"{{{next(gaps)}}}" for part in node.values)


def _message(module: str, part: str) -> str:
    """The message of a module that contains some words."""
    tree = ast.parse((KIT / module).read_text(encoding="utf-8"))
    found = (_template(node, KIT / module) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
    return next(text for text in found if part in text)


def texts() -> dict[str, dict[str, str]]:
    """The page's texts by language: those that its code names, and the refusals' own. A missing one is English."""
    own = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(TEXTS[1].glob("*.json"))}
    kiosk = {name: json.loads((TEXTS[0] / f"{name}.json").read_text(encoding="utf-8")) for name in own}
    code = "".join((STATIC / name).read_text(encoding="utf-8") for name in ("page.js", "index.html"))
    named = set(NAMED.findall(code))
    begun = tuple(BEGUN.findall(code))
    return {
        name: {key: text for key, text in kiosk[name].items() if key in named or key.startswith(begun)} | own[name]
        for name in own
    }
