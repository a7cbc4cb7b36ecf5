"""Starts the kiosk: gradio's environment first, then the model, then the port."""

import contextlib
import ctypes
import ipaddress
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_app.errors import KitError
from edge_app.imaging.decoder.choice import warm_up
from edge_app.kiosk.gradio_environment import prepare, without_stubs
from edge_app.reading.predictor import device_predictor
from edge_app.records.kept_films import KeptFilms
from edge_app.records.readers import readers
from edge_app.records.retention import retain
from edge_app.system import watchdog
from edge_app.system.bounded_log import BoundedLog
from edge_app.system.home import data_home
from edge_app.workflow.dicom_receiver import Peer, parse_peer, resolved, start_receiver
from edge_app.workflow.folder_watch import SCAN_EVERY_S, Watcher, read_new_films
from edge_app.workflow.reading_service import ReadingService

if TYPE_CHECKING:
    from edge_app.kiosk.connections import Listener

LOG = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
ALL_ADDRESSES = "0.0.0.0"
STOP_WITHIN_S = 2
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # malloc.h
RETAIN_EVERY_S = 3600
SAVE_AGAIN_EVERY_S = 5


@dataclass(frozen=True)
class ServeOptions:
    """How to serve the kiosk; the defaults are those of `python -m edge_app serve`."""

    host: str = ""  # address to listen on; "" for this machine alone, or every address with `lan`
    port: int = 7860  # 0: any free port
    data_dir: Path | None = None  # where the record is kept; see `data_home`
    model: Path | None = None  # a bundle; None: this device's model
    ask_first: bool = False  # a reader says what they see before the model's answer is shown
    keep_films: Path | None = None  # folder in which films are kept; None: in memory only
    keep_days: int = 0  # delete records this many days after somebody was done with them; 0 keeps them
    watch: Path | None = None  # folder whose films are also read
    dicom_port: int = 0  # port to which X-ray machines push films; 0: no receiver
    dicom_ae: str = "CXRKIT"  # the kiosk's AE title, 1 to 16 characters
    dicom_peers: tuple[str, ...] = ()  # AETITLE@ADDRESS of each X-ray machine that may push
    lan: bool = False  # accept other machines; readers must then log in
    names: tuple[str, ...] = ()  # host names under which browsers on the LAN reach the kiosk
    tls_cert: Path | None = None  # PEM file; with `tls_key` for https
    tls_key: Path | None = None

    @property
    def address(self) -> str:
        """The address to listen on."""
        return self.host or (ALL_ADDRESSES if self.lan else LOOPBACK)

    def url(self, port: int) -> str:
        """Where a browser on this machine finds the kiosk."""
        host = LOOPBACK if self.address == ALL_ADDRESSES else self.address
        return f"{'https' if self.tls_cert else 'http'}://{host}:{port}"


def serve(options: ServeOptions, announce: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        announce: called with the model's name and the address just before the kiosk answers.
    Raises:
        KitError: the model fails its checks, the port is taken, or other machines would be let in
            without `lan` or without a reader who could log in.
    """
    _check_reach(options)
    sys.stderr = BoundedLog(sys.stderr)
    _return_freed_memory()
    listener = _listener(options.address, options.port)
    port = listener.getsockname()[1]
    # uvicorn stops at this signal, then raises it again: without a handler the process would end there and then.
    signal.signal(signal.SIGTERM, _stop)
    temp = prepare(port, os.environ)
    try:
        app, name = _application(options)
        announce(f"{name} at {options.url(port)}")
        watchdog.start(f"{options.url(port)}/health")
        _run(app, listener, options)
    finally:
        listener.close()
        shutil.rmtree(temp, ignore_errors=True)
    LOG.info("the kiosk has stopped")


def _return_freed_memory() -> None:
    """Let the C library give large buffers back to the system at once; otherwise films leave gaps in its heap."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        libc = ctypes.CDLL(None)
        libc.mallopt(M_ARENA_MAX, 2)
        libc.mallopt(M_MMAP_THRESHOLD, 2**20)


def _stop(*_: object) -> None:
    """End as after an error: what was begun is cleaned up."""
    raise SystemExit(0)


def _application(options: ServeOptions) -> tuple[Any, str]:
    """The web application, and the model's name and version."""
    home = data_home(options.data_dir)
    predictor = device_predictor(options.model, home)
    # Imported here: gradio takes seconds, and must see the environment that prepare() made.
    with without_stubs():
        from edge_app.kiosk.app import Reach, build_app
    from edge_app.kiosk.guard import LOOPBACK_HOSTS

    films = KeptFilms(options.keep_films) if options.keep_films else None
    service = ReadingService(predictor, home, options.ask_first, films=films)
    _start(service, "save again", _save_again)
    warm_up()  # before gradio's seconds, to which it then adds nothing
    if options.keep_days:
        _start(service, "retain", _retain, options.keep_days)
    if options.watch:
        watcher = Watcher(options.watch)
        watcher.new_films()  # a missing folder is reported now, not later in a thread
        _start(service, "watch", _watch, watcher)
    if options.dicom_port:
        _receive(service, options)
    if options.lan and not readers(service.store()):
        raise KitError(
            "no reader is enrolled, so nobody could log in: echo PIN | python -m edge_app reviews add-reader INITIALS"
        )
    names = {socket.gethostname(), f"{socket.gethostname()}.local", *options.names} if options.lan else set()
    known_as = options.names[0] if options.names else options.host if options.host not in (ALL_ADDRESSES, "::") else ""
    reach = Reach(LOOPBACK_HOSTS | names | {options.address}, options.lan, bool(options.tls_cert), known_as)
    return build_app(service, reach), f"{predictor.card.name} {predictor.card.version}"


def _start(service: ReadingService, name: str, action: Callable[..., None], *arguments: Any) -> None:
    """Run an action in a thread that ends with the process; the health check fails if it ends before."""
    thread = threading.Thread(target=action, args=(service, *arguments), name=name, daemon=True)
    service.must_live.append(thread)
    thread.start()


def _receive(service: ReadingService, options: ServeOptions) -> None:
    """Accept films from X-ray machines, until the process ends."""

    def take(content: bytes) -> bool:
        case = service.read(content, "dicom")
        return case.saved

    start_receiver(take, options.dicom_ae, (ALL_ADDRESSES, options.dicom_port), _peers(options))


def _peers(options: ServeOptions) -> list[Peer]:
    try:
        return [peer for text in options.dicom_peers for peer in resolved(parse_peer(text))]
    except ValueError as cause:
        raise KitError(f"--dicom-peer: {cause}") from cause


def _watch(service: ReadingService, watcher: Watcher) -> None:
    """Read films that appear in the folder, until the process ends. A folder that disappears may come back."""
    while True:
        time.sleep(SCAN_EVERY_S if _scan(service, watcher) else 30 * SCAN_EVERY_S)


def _scan(service: ReadingService, watcher: Watcher) -> bool:
    """Read what is new in the folder; whether that could be done. A name may be a patient's: only the log has it."""
    try:
        read_new_films(service, watcher)
    except Exception as error:  # this loop must live
        LOG.warning("the watched folder: %s", error if isinstance(error, KitError) else repr(error))
        service.troubles["watch"] = "the folder cannot be read: the log says why"
        return False
    failing = f"films that are tried again: {watcher.failing}; the log says why"
    service.troubles["watch"] = failing if watcher.failing else ""
    return True


def _save_again(service: ReadingService) -> None:
    """Record what a full disk kept from being recorded, until the process ends."""
    while True:
        time.sleep(SAVE_AGAIN_EVERY_S)
        try:
            service.save_again()
        except Exception as error:  # this loop must live
            LOG.warning("what waits was not recorded: %r", error)


def _retain(service: ReadingService, days: int) -> None:
    """Delete old records, now and every hour, because a clock that was wrong may have been set."""
    while True:
        try:
            records, films = retain(service.store(), days, service.films)
            service.not_deleted = service.troubles["retain"] = ""
            if records or films:
                LOG.info("%d records and %d films older than %d days deleted", records, films, days)
        except Exception as error:  # this loop must live
            service.not_deleted = str(error)
            service.troubles["retain"] = "old records were not deleted: the page and the log say why"
            LOG.warning("old records were not deleted: %s", error if isinstance(error, KitError) else repr(error))
        time.sleep(RETAIN_EVERY_S)


def _run(app: Any, listener: "Listener", options: ServeOptions) -> None:
    import uvicorn

    from edge_app.kiosk.connections import ACCEPT_AT_ONCE, MAX_HEAD_BYTES

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        http=listener.protocol,
        ws="none",
        proxy_headers=False,
        backlog=ACCEPT_AT_ONCE,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_graceful_shutdown=STOP_WITHIN_S,  # an open page keeps its connection open
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _check_reach(options: ServeOptions) -> None:
    if not options.lan and not _is_loopback(options.address):
        raise KitError(
            f"{options.address} would let other machines in: add --lan if you mean that; readers must then log in"
        )
    if bool(options.tls_cert) != bool(options.tls_key):
        raise KitError("--tls-cert and --tls-key go together")
    for path in (options.tls_cert, options.tls_key):
        if path and not path.is_file():
            raise KitError(f"{path} is no file")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listener(host: str, port: int) -> "Listener":
    """A socket on the address; port 0 takes a free one."""
    from edge_app.kiosk.connections import Listener

    listener = Listener(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.bind((host, port))
    except OSError as cause:
        listener.close()
        raise KitError(
            f"cannot listen on {host}:{port}: {cause.strerror}: stop the other program or choose another --port"
        ) from cause
    listener.listen()
    return listener
