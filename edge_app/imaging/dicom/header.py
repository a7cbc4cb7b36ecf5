"""Values of a DICOM header as plain texts and numbers, whatever form a machine wrote them in.

An element may be absent, empty, of another VR than the standard's, longer than any film needs, or hold text
that is no number. Each reads as its value or as absent. Only an element of no VR at all is damage.
"""

import math
import struct
from typing import Any

from edge_app.errors import FilmUnreadable
from edge_app.imaging.limits import MAX_ELEMENT_BYTES, MAX_TEXT

NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d", "AT": "H"}
MAX_VALUES = 64  # of a text with several


class Header:
    """A header, or an item of one of its sequences; elements are named by their DICOM keyword."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def texts(self, keyword: str) -> list[str]:
        """All values as text without surrounding blanks, each at most MAX_TEXT characters; empty if absent.

        Characters that a terminal or a page could act on become `?`.
        """
        vr, raw, order = self._raw(keyword)
        if vr in NUMBERS:
            return [f"{number:g}" for number in self._unpacked(vr, raw, order)]
        parts = _decoded(raw[: MAX_VALUES * MAX_TEXT]).split("\\")[:MAX_VALUES]
        return ["".join(c if c.isprintable() else "?" for c in part.strip(" \0\t\r\n"))[:MAX_TEXT] for part in parts]

    def text(self, keyword: str) -> str:
        """The first value as text, "" if absent."""
        return next(iter(self.texts(keyword)), "")

    def numbers(self, keyword: str) -> list[float]:
        """All values as finite numbers; empty if absent, or if any is not one. 16 bits are read as unsigned."""
        vr, raw, order = self._raw(keyword)
        if vr in NUMBERS:
            numbers = [float(number) for number in self._unpacked(vr, raw, order)]
        else:
            try:
                numbers = [float(text.replace(",", ".")) for text in self.texts(keyword) if text]
            except ValueError:
                return []
        return numbers if all(math.isfinite(number) for number in numbers) else []

    def number(self, keyword: str) -> float | None:
        """The first value as a finite number, None if it is absent or no number."""
        return next(iter(self.numbers(keyword)), None)

    def integer(self, keyword: str, default: int) -> int:
        """The first value as a whole number; `default` if it is absent or no number."""
        number = self.number(keyword)
        return default if number is None else int(number)

    def raw(self, keyword: str) -> bytes:
        """The bytes of an element, empty if absent."""
        return self._raw(keyword)[1]

    def items(self, keyword: str) -> list["Header"]:
        """The items of a sequence; empty if it is absent or no sequence.

        Raises:
            FilmUnreadable: it is too large.
        """
        element = self._element(keyword)
        if element is None:
            return []
        if isinstance(getattr(element, "value", None), bytes) and len(element.value) > MAX_ELEMENT_BYTES:
            raise _too_large(keyword)
        value = self._dataset[keyword].value
        return [Header(item) for item in value] if hasattr(value, "__iter__") and not isinstance(value, str) else []

    def _element(self, keyword: str) -> Any:
        from pydicom.datadict import tag_for_keyword

        tag = tag_for_keyword(keyword)
        return self._dataset.get_item(tag) if tag in self._dataset else None

    def _raw(self, keyword: str) -> tuple[str, bytes, str]:
        """VR, bytes and byte order of an element; ("", b"", "<") if it is absent, empty or a sequence."""
        from pydicom.datadict import dictionary_VR, tag_for_keyword

        element = self._element(keyword)
        value = getattr(element, "value", None)
        if not isinstance(value, bytes) or not value:
            return "", b"", "<"
        if len(value) > MAX_ELEMENT_BYTES:
            raise _too_large(keyword)
        vr = element.VR
        if vr in (None, "UN"):
            vr = dictionary_VR(tag_for_keyword(keyword))
        _check_vr(vr, keyword)
        vr = vr.partition(" or ")[0]
        return vr, value, "<" if element.is_little_endian else ">"

    @staticmethod
    def _unpacked(vr: str, raw: bytes, order: str) -> tuple[float, ...]:
        size = struct.calcsize(NUMBERS[vr])
        count = min(len(raw) // size, MAX_VALUES)
        return struct.unpack(f"{order}{count}{NUMBERS[vr]}", raw[: count * size])


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _check_vr(vr: str, keyword: str) -> None:
    from pydicom.valuerep import VR

    try:
        VR(vr.partition(" or ")[0])
    except ValueError as cause:
        raise FilmUnreadable("damaged", f"The element {keyword} is damaged: export the film again.") from cause


def _too_large(keyword: str) -> FilmUnreadable:
    return FilmUnreadable(
        "too_much_work", f"The element {keyword} has over {MAX_ELEMENT_BYTES // 1024} KiB: export the film again."
    )
