"""Importing pydicom in a worker without what reads no film: 24 MiB, half of what it costs there.

pydicom imports its downloader and every decoder that is installed, GDCM with it, for its first element. Only
lossless JPEG needs GDCM, which is then put back.
"""

import contextlib
import importlib
import sys
from typing import Any

NOT_NEEDED = ("requests", "tqdm", "gdcm")
GDCM_PLUGIN = "pydicom.pixels.decoders.gdcm"


def import_lean() -> None:
    """Import pydicom, if it is there, as if NOT_NEEDED were not installed. For a process of one thread."""
    if "pydicom" in sys.modules:
        return
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in NOT_NEEDED if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None: an import of that name fails
    try:
        with contextlib.suppress(ImportError):
            importlib.import_module("pydicom.filereader")
            importlib.import_module("edge_app.imaging.dicom.stored_values")
    finally:
        for name in hidden:
            del modules[name]


def with_plugin(decoder: Any, plugin: str) -> Any:
    """A decoder of pydicom, with GDCM put back if that is the plugin and it was hidden."""
    if plugin == "gdcm" and "gdcm" not in sys.modules:
        importlib.reload(importlib.import_module(GDCM_PLUGIN))
        decoder.remove_plugin("gdcm")
        decoder.add_plugin("gdcm", (GDCM_PLUGIN, "_decode_frame"))
    return decoder
