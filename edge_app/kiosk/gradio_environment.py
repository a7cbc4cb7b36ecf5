"""What gradio needs before it is imported: no telemetry, a temporary folder in memory, and no stubs for editors."""

import contextlib
import inspect
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

MEMORY_DISK = Path("/dev/shm")
PREFIX = "cxr-kiosk-"
SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_SSR_MODE": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "NO_PROXY": "127.0.0.1,localhost",
}


def prepare(port: int, environment: MutableMapping[str, str], memory_disk: Path = MEMORY_DISK) -> Path:
    """Set the environment and create an empty temporary folder. Removes what a killed kiosk left behind.

    The folder's name cannot be foreseen, so nobody can put a folder or a link in its place.
    The kiosk itself writes no film to disk; the folder is for files that gradio may write.

    Args:
        environment: `os.environ`; gradio reads it when it is imported.
        port: part of the folder's name, so that a second kiosk on another port does not lose its files.
    Returns:
        The temporary folder: in memory where the machine has a RAM disk.
    """
    environment.update(SETTINGS)
    base = memory_disk if os.access(memory_disk, os.W_OK) else Path(tempfile.gettempdir())
    prefix = f"{PREFIX}{os.getuid()}-{port}-"
    for leftover in base.glob(f"{prefix}*"):
        if _is_own_folder(leftover):
            shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=base, prefix=prefix))
    environment["GRADIO_TEMP_DIR"] = str(folder)
    return folder


@contextlib.contextmanager
def without_stubs() -> Iterator[None]:
    """While gradio is imported: no stub of any component is compared or written, which takes two fifths of the time.

    Gradio makes them next to its own files, for editors, unless a component has no file.
    """
    getfile = inspect.getfile

    def no_file_of_components(item: Any) -> str:
        if sys._getframe(1).f_globals.get("__name__") == "gradio.component_meta":
            raise OSError("no stubs")
        return getfile(item)

    inspect.getfile = no_file_of_components  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getfile = getfile


def _is_own_folder(path: Path) -> bool:
    """No link, and no other user's: anybody can put something of any name there."""
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
