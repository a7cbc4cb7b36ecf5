"""The models that a device keeps: versions side by side, one in use and one to go back to.

    DATA/models/1f0c.../NAME.tflite   a version; its folder is named by its SHA-256
    DATA/models/current               two lines: the version in use and the one before it
    DATA/allowed_signers              if present, nothing unsigned is installed
    /etc/cxr-edge/allowed_signers     the same, in a folder that the kiosk's own user cannot change

A version is written, flushed and tried in a child process before a single rename of `current` puts
it into use. A crash or a power cut at any step leaves either the old model or the new one.
"""

import contextlib
import dataclasses
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge_app.errors import BundleError
from edge_app.model.bundle import Bundle, read_bundle, shipped_bundle_path, sidecar_path
from edge_app.model.signature import check_signature
from edge_app.model.trial import check_in_child
from edge_app.system.files import sync_folder, write_atomically

SIGNERS = "allowed_signers"
SYSTEM_SIGNERS = Path("/etc/cxr-edge") / SIGNERS
SHIPPED = "shipped"  # the version that came with the kit; it is never removed
VERSION_DIGITS = 16
VERSION = re.compile(rf"[0-9a-f]{{{VERSION_DIGITS}}}|{SHIPPED}")
STAGING_PREFIX = ".new-"
LOG = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Selection:
    """The version in use and the one to go back to."""

    current: str = SHIPPED
    previous: str = SHIPPED


class ModelStore:
    """The models under one data folder. Reading never writes; writers take turns."""

    def __init__(
        self, data_dir: Path, check: Callable[[Path], None] = check_in_child, system_signers: Path = SYSTEM_SIGNERS
    ) -> None:
        """Set the folder.

        Args:
            check: raises `BundleError` for a bundle that does not work on this machine.
            system_signers: who may sign, for every data folder of this machine.
        """
        self.folder = data_dir / "models"
        self.signers = (data_dir / SIGNERS, system_signers)
        self._current = self.folder / "current"
        self._check = check

    def selection(self) -> Selection:
        """What `current` says; without the file the shipped model is in use.

        Raises:
            BundleError: the file is damaged or cannot be read.
        """
        try:
            return self._read_selection()
        except OSError as cause:
            raise BundleError(f"{self._current} cannot be read: {cause}") from cause

    def _read_selection(self) -> Selection:
        try:
            lines = self._current.read_text(encoding="ascii", errors="replace").split("\n")
        except FileNotFoundError:
            return Selection()
        if len(lines) != 3 or lines[2] or not all(VERSION.fullmatch(line) for line in lines[:2]):
            raise BundleError(f"{self._current} is damaged: choose a model with `models use`")
        return Selection(lines[0], lines[1])

    def installed(self) -> list[str]:
        """Versions that have a folder, in order of name; the shipped one is not among them."""
        try:
            return sorted(f.name for f in self.folder.iterdir() if f.is_dir() and VERSION.fullmatch(f.name))
        except OSError:
            return []

    def bundle_path(self, version: str) -> Path:
        """The file of a version.

        Raises:
            BundleError: it is not there.
        """
        if version == SHIPPED:
            return shipped_bundle_path()
        try:
            found = sorted((self.folder / version).glob("*.tflite"))
        except OSError as cause:
            raise BundleError(f"{self.folder / version} cannot be read: {cause}") from cause
        if len(found) != 1:
            raise BundleError(f"model {version} is not there: {self.folder / version} holds {len(found)} models")
        return found[0]

    def install(self, source: Path) -> Bundle:
        """Install a bundle, for example from a USB stick, and use it.

        Returns:
            The bundle as installed.
        Raises:
            BundleError: it fails a check, or the disk does; the model in use stays in use.
        """
        bundle = read_bundle(source)
        for signers in self.signers:
            if os.path.lexists(signers):  # a link that leads nowhere also asks for a signature
                check_signature(source, bundle.content, signers)
        version = bundle.sha256[:VERSION_DIGITS]
        with self._writing(f"{source.name} was not installed"):
            before = self._selection_or_shipped()
            staged = self._staged(bundle, source.stem)
            self._check(staged)
            if not self._holds(version):
                self._move_in(staged.parent, version)
            self._forget_all_but(self._select(version, before))
        return dataclasses.replace(bundle, path=self.bundle_path(version))

    def use(self, wanted: str) -> str:
        """Use an installed version, or "shipped", after trying it.

        Args:
            wanted: a version or the first digits of one.
        Returns:
            The version now in use.
        Raises:
            BundleError: none or several begin with it, or it does not work on this machine.
        """
        found = [version for version in (*self.installed(), SHIPPED) if version.startswith(wanted)]
        if len(found) != 1:
            known = ", ".join((*self.installed(), SHIPPED))
            raise BundleError(f"{len(found) or 'no'} models begin with {wanted!r}; this device has {known}")
        with self._writing(f"{found[0]} was not put into use"):
            before = self._selection_or_shipped()
            self._check(self.bundle_path(found[0]))
            self._select(found[0], before)
        return found[0]

    def rollback(self) -> str:
        """Go back to the version before the one in use.

        Raises:
            BundleError: there is none, or it does not work on this machine.
        """
        selection = self.selection()
        if selection.previous == selection.current:
            raise BundleError(f"there is nothing to go back to: {selection.current} is the only model")
        return self.use(selection.previous)

    def settle(self) -> tuple[str, list[str]]:
        """Try the model in use, and if it fails go back to one that works. For start-up.

        Returns:
            The version in use afterwards, and a sentence for each that was refused.
        Raises:
            BundleError: not even the shipped model works.
        """
        refused: list[str] = []
        for version in self.versions_to_try(refused):
            try:
                self._check(self.bundle_path(version))
            except BundleError as error:
                refused.append(f"{version}: {error}")
                continue
            if refused:
                self._keep(version, refused)
            return version, refused
        raise BundleError("no model works on this machine: " + "; ".join(refused))

    def versions_to_try(self, refused: list[str]) -> list[str]:
        """The version in use, the one before, the shipped one; a damaged `current` is added to `refused`."""
        try:
            selection = self.selection()
        except BundleError as error:
            refused.append(str(error))
            selection = Selection()
        return list(dict.fromkeys((selection.current, selection.previous, SHIPPED)))

    def _keep(self, version: str, refused: list[str]) -> None:
        """Remember what `settle` found; on a read-only disk the next start finds it again."""
        try:
            with self._writing(f"{version} could not be made the model in use"):
                self._select(version, self._selection_or_shipped())
        except BundleError as error:
            refused.append(str(error))

    def _selection_or_shipped(self) -> Selection:
        """For writers: a damaged file is overwritten, but a disk error stops them (OSError)."""
        try:
            return self._read_selection()
        except BundleError:
            return Selection()

    def _staged(self, bundle: Bundle, stem: str) -> Path:
        """A copy in a folder that no reader looks into, on the disk to its last byte."""
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix=STAGING_PREFIX))
        folder.chmod(0o755)  # mkdtemp makes 0700, which another user's kiosk could not enter
        path = folder / f"{stem}.tflite"
        write_atomically(path, bundle.content)
        write_atomically(sidecar_path(path), f"{bundle.sha256}  {path.name}\n".encode())
        return path

    def _holds(self, version: str) -> bool:
        """Whether it is present and intact. It then stays where it is: it may be in use, and moving it takes
        two steps."""
        try:
            return read_bundle(self.bundle_path(version)).sha256.startswith(version)
        except BundleError:
            return False

    def _move_in(self, staged: Path, version: str) -> None:
        """Name the folder by its version. A damaged one of that name is moved away."""
        target = self.folder / version
        if target.exists():
            target.rename(Path(tempfile.mkdtemp(dir=self.folder, prefix=STAGING_PREFIX)) / version)
        staged.rename(target)
        sync_folder(self.folder)

    def _select(self, version: str, before: Selection) -> Selection:
        previous = before.current if version != before.current else before.previous
        write_atomically(self._current, f"{version}\n{previous}\n".encode())
        return Selection(version, previous)

    def _forget_all_but(self, kept: Selection) -> None:
        for version in self.installed():
            if version not in (kept.current, kept.previous):
                shutil.rmtree(self.folder / version, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove staged files, also those of a killed process; errors are ignored."""
        with contextlib.suppress(OSError):
            for leftover in self.folder.glob(f"{STAGING_PREFIX}*"):
                shutil.rmtree(leftover, ignore_errors=True)

    @contextlib.contextmanager
    def _writing(self, failure: str) -> Iterator[None]:
        """One writer at a time; a disk failure becomes an error; nothing incomplete is left."""
        import fcntl  # not on Windows, where films can still be scored

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                try:
                    yield
                finally:
                    self._sweep()
        except OSError as cause:
            raise BundleError(f"{failure}: {cause}: free space or repair the disk, then see `models list`") from cause


def first_that_works(open_model: Callable[[Path], T], named: Path | None, data_dir: Path) -> tuple[T, list[str]]:
    """Open the model that this device uses: the one named, else the installed one, else the shipped one.

    A named model has no substitute. If an installed one fails, the one before it is used,
    then the shipped one, and a warning says so.

    Args:
        open_model: opens a bundle, and raises `BundleError` for one that does not work.
    Returns:
        What `open_model` gave, and a sentence for each model that was refused.
    Raises:
        BundleError: none works.
    """
    if named is not None:
        return open_model(named), []
    store, refused = ModelStore(data_dir), list[str]()
    for version in store.versions_to_try(refused):
        try:
            opened = open_model(store.bundle_path(version))
        except BundleError as error:
            refused.append(f"{version}: {error}")
            continue
        for sentence in refused:
            LOG.warning("refused model %s", sentence)
        if refused:
            LOG.warning("continuing with model %s", version)
        return opened, refused
    raise BundleError("no model works on this machine: " + "; ".join(refused))
