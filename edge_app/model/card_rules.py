"""The rules of the card's fields: one line a field. A card that breaks one is refused when its file is opened."""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from edge_app.errors import CardError

READABLE_VERSIONS = (1, 2)  # of format 1 are the bundles before 0.4.0, without a locator
UNCERTAIN = "uncertain"  # the third decision; the others are the finding and the negative class
MISSING = object()
# Control characters and halves of surrogate pairs. Two short classes: compiling one of all that is allowed takes 3 ms.
NOT_IN_TEXT = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|[\ud800-\udfff]"
Rule = tuple[str, Callable[[Any], bool]]  # what a value must be, in words, and whether it is


def check_fields(raw: dict[str, Any]) -> None:
    """Check every field of a card, as read from JSON, with `negative` and `finding`.

    Raises:
        CardError: the first that is missing, of a wrong type or out of its range.
    """
    for path, (expected, holds) in RULES.items():
        for name, value in _found(raw, path.rstrip("?")):
            if not holds(value) and not (value is MISSING and path.endswith("?")):
                raise CardError(name, "missing" if value is MISSING else repr(value)[:60], expected)
    for name, among in (("negative", "labels"), ("default_operating_point", "operating_points")):
        if raw[name] not in raw[among]:
            raise CardError(name, repr(raw[name]), f"one of the card's {among}")
    if raw["finding"] == raw["negative"]:
        raise CardError("finding", repr(raw["finding"]), "another name than that of the negative class")


def _found(raw: Any, path: str, before: str = "") -> Iterator[tuple[str, Any]]:
    """The values that a path leads to, with their full names."""
    first, _, following = path.partition(".")
    inside = dict(enumerate(raw)) if isinstance(raw, list) else raw
    for key in inside if first == "*" else (first,):
        value = inside.get(key, MISSING)
        if following and isinstance(value, (dict, list)):
            yield from _found(value, following, f"{before}{key}.")
        elif not following:
            yield f"{before}{key}", value


def _is_number(value: Any, low: float, high: float) -> bool:
    is_real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_real and low <= value <= high  # never holds for nan


def _number(low: float, high: float) -> Rule:
    return f"a number from {low:g} to {high:g}", lambda value: _is_number(value, low, high)


def _whole(low: int, high: int) -> Rule:
    expected = f"a whole number from {low} to {high}"
    return expected, lambda value: isinstance(value, int) and _is_number(value, low, high)


def _range(low: float, high: float) -> Rule:
    return (
        f"two numbers from {low:g} to {high:g}, the smaller one first",
        lambda value: (
            _is_list(value, 2, 2) and all(_is_number(end, low, high) for end in value) and value[0] <= value[1]
        ),
    )


def _word(other_than: str = "") -> Rule:
    """What pages, tables and logs show in a line."""
    but = f", and not {other_than!r}" if other_than else ""
    return (
        f"a text of 1 to 64 printable characters in one line{but}",
        lambda value: (
            isinstance(value, str)
            and value.isprintable()
            and 0 < len(value.strip()) == len(value) <= 64
            and value != other_than
        ),
    )


def _text(most: int) -> Rule:
    return (
        f"a text of at most {most} characters without control characters",
        lambda value: isinstance(value, str) and len(value) <= most and not re.search(NOT_IN_TEXT, value),
    )


def _is_list(value: Any, least: int, most: int) -> bool:
    return isinstance(value, list) and least <= len(value) <= most


def _list(least: int, most: int) -> Rule:
    return (
        f"a list of {least} to {most} different items",
        lambda value: _is_list(value, least, most) and len(set(map(str, value))) == len(value),
    )


def _object(least: int = 0) -> Rule:
    return (
        f"an object of {least} to 100 named entries of plain JSON, with finite numbers",
        lambda value: isinstance(value, dict) and least <= len(value) <= 100 and _is_plain(value, 20),
    )


def _is_plain(value: Any, depth: int) -> bool:
    """Whether a value is nested less deep than that, with names in one line and without NaN."""
    if isinstance(value, (dict, list)):
        items = value.values() if isinstance(value, dict) else value
        return (
            depth > 0
            and all(map(str.isprintable, value if isinstance(value, dict) else ()))
            and all(_is_plain(item, depth - 1) for item in items)
        )
    return not isinstance(value, float) or math.isfinite(value)


CLASS = _word(other_than=UNCERTAIN)
SIZE_PX = _whole(16, 1024)
SHARE = ("a number over 0 and under 1", lambda value: _is_number(value, 0, 1) and 0 < value < 1)
SHA256 = ("64 hexadecimal digits", lambda value: isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value)))
TRUE_OR_FALSE: Rule = ("true or false", lambda value: isinstance(value, bool))
ESTIMATE = (
    "value, low and high, each from 0 to 1",
    lambda value: (
        isinstance(value, dict)
        and set(value) == {"value", "low", "high"}
        and all(_is_number(end, -1e-6, 1 + 1e-6) for end in value.values())  # an interval's end may round
    ),
)
# `*` stands for every name or item, `?` for a field that may be missing. What has no rule of its own, such as a figure
# that only people read, is plain JSON.
RULES: dict[str, Rule] = {
    "format_version": _whole(READABLE_VERSIONS[0], READABLE_VERSIONS[-1]),
    "name": _word(),
    "version": _word(),
    "input_size_px": SIZE_PX,
    "preprocessing_id": _word(),
    "preprocessing_version": _whole(1, 1000),
    "labels": _list(2, 100),
    "labels.*": CLASS,
    "negative": CLASS,
    "finding": CLASS,
    "temperature": _number(0.01, 100),  # `fit_temperature` looks from 0.08 to 12
    "operating_points": _object(1),
    "operating_points.*": _object(3),
    "operating_points.*.threshold": SHARE,
    "operating_points.*.recall": ESTIMATE,
    "operating_points.*.specificity": ESTIMATE,
    "default_operating_point": _word(),
    "uncertainty_band": _range(0, 1),
    "phantom": TRUE_OR_FALSE,
    "class_map?": TRUE_OR_FALSE,
    "quantization": _text(200),
    "intended_use": _text(5000),
    "not_checked": _list(0, 100),
    "not_checked.*": _text(5000),
    "data_licence": _text(5000),
    "data_attribution": _text(5000),
    "created": _text(64),
    "git_commit": _text(64),
    "minimum_runtime": _text(64),
    "training?": _object(),
    "training.age_range_years?": _range(0, 150),
    "metrics?": _object(),
    "metrics.score_bands?": _list(0, 100),
    "metrics.score_bands.*.from": _number(0, 1),
    "metrics.score_bands.*.to": _number(0, 1),
    "metrics.score_bands.*.films": _whole(1, 10**9),
    "metrics.score_bands.*.finding": _whole(0, 10**9),
    "parity?": _object(),
    "parity.model_bytes?": _whole(1, 2**31),
    "parity.model_sha256?": SHA256,
    "parity.threshold?": SHARE,
    "locator?": _object(),
    "locator.sha256?": SHA256,
    "locator.input_size_px?": SIZE_PX,
    "features?": _object(),
    "features.version?": _whole(1, 1000),
    "lung_field_statistics?": (
        "empty, or of height and width",
        lambda value: isinstance(value, dict) and set(value) in (set(), {"height", "width"}),
    ),
    "lung_field_statistics.*": _object(3),
    "lung_field_statistics.*.films": _whole(2, 10**9),
    "lung_field_statistics.*.mean": _number(0, 1),
    "lung_field_statistics.*.spread": _number(0, 1),
    "tools?": _object(),
    "tools.*": _text(200),
}
