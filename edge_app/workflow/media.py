"""Sticks and cards that are mounted: where a back-up may go and where a new model may come from."""

import os
import re
import shlex
from pathlib import Path, PurePosixPath

from edge_app.errors import ActRefused
from edge_app.model.bundle import sidecar_path

MEDIA_VARIABLE = "CXR_EDGE_MEDIA"  # folders separated by ":", for a machine that mounts its sticks elsewhere
PLACES = ("/media/*", "/media/*/*", "/run/media/*/*", "/mnt/*")
MOUNTS = Path("/proc/self/mounts")
OPENED = "/mnt/stick"
HAVE_NO_OWNERS = ("vfat", "exfat", "ntfs", "ntfs3", "fuseblk")  # file systems that get theirs when they are mounted
MAX_MODELS = 20


def media() -> list[Path]:
    """The folders of all removable media that the kiosk's user can write to, in order of name."""
    if named := os.environ.get(MEDIA_VARIABLE):
        return [Path(folder) for folder in named.split(os.pathsep) if Path(folder).is_dir()]
    return sorted(path for path, *_ in mounted(MOUNTS.read_text(errors="replace")) if _is_open(path))


def locked(table: str) -> tuple[Path, str] | None:
    """A medium that the kiosk's user cannot write to, as desktops mount sticks, and the commands that open it.

    Args:
        table: what is mounted, as in MOUNTS.
    """
    for path, device, kind in mounted(table):
        if not _is_open(path):
            again = f"-o uid={os.getuid()} {device} {OPENED}" if kind in HAVE_NO_OWNERS else f"{device} {OPENED}"
            owner = "" if kind in HAVE_NO_OWNERS else f" && sudo chown {os.getuid()} {OPENED}"
            commands = f"sudo umount {shlex.quote(str(path))} && sudo mkdir -p {OPENED} && sudo mount {again}{owner}"
            return path, commands
    return None


def mounted(table: str) -> list[tuple[Path, str, str]]:
    """Folder, device and file system of each removable medium in a table of mounts."""
    rows = (re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), line).split(" ") for line in table.splitlines())
    found = ((PurePosixPath(" ".join(row[1:-4])), row[0], row[-4]) for row in rows)
    return [(Path(path), device, kind) for path, device, kind in found if any(map(path.match, PLACES))]


def _is_open(path: Path) -> bool:
    return os.access(path, os.W_OK | os.X_OK)


def models_on(places: list[Path]) -> list[Path]:
    """Models on media, or in a folder there, with their checksum in the same folder."""
    found = [path for place in places for depth in ("*", "*/*") for path in sorted(place.glob(f"{depth}.tflite"))]
    return [path for path in found if sidecar_path(path).is_file()][:MAX_MODELS]


def chosen(asked: str, offered: list[Path]) -> Path:
    """The offered path that somebody chose; never another one.

    Raises:
        ActRefused: it is not offered (any more).
    """
    for path in offered:
        if str(path) == asked:
            return path
    raise ActRefused("no_medium", "The stick is not there: put it in, wait a moment, and open this page again.")
