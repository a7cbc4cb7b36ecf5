"""Starting the kiosk: surroundings first, then the model, then the port."""

import argparse
import ipaddress
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from edge_app.errors import KitError
from edge_app.kiosk.gradio_environment import purge, settle
from edge_app.reading.predictor import device_predictor
from edge_app.records.kept_films import KeptFilms
from edge_app.records.retention import retain
from edge_app.system import watchdog
from edge_app.system.home import data_home
from edge_app.workflow.folder_watch import LOOK_EVERY_S, Watcher
from edge_app.workflow.reading_service import Desk

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"
MAX_CONNECTIONS = 256
STOP_WITHIN_S = 2
DAY_S = 24 * 3600
QUEUE = 64  # connections that may wait before the machine refuses them


def serve(args: argparse.Namespace) -> int:
    """Serve until interrupted.

    Returns:
        0 after a clean stop.
    Raises:
        KitError: the model fails its checks, the port is taken, or other machines would be let in
            without --lan or without a reader who could log in.
    """
    host = args.host or (EVERYWHERE if args.lan else LOOPBACK)
    _check_reach(args, host)
    listener = _listener(host, args.port)
    port = listener.getsockname()[1]
    temp = settle(port, os.environ)
    try:
        app, name = _application(args)
        scheme = "https" if args.tls_cert else "http"
        print(f"{name} at {scheme}://{LOOPBACK if host == EVERYWHERE else host}:{port}", flush=True)
        watchdog.start(f"{scheme}://{LOOPBACK if host == EVERYWHERE else host}:{port}/health")
        _run(app, listener, args)
    finally:
        listener.close()
        purge(temp)
    print("edge_app: the kiosk has stopped", file=sys.stderr)
    return 0


def _application(args: argparse.Namespace) -> tuple[Any, str]:
    """The web application, and the model's name and version."""
    home = data_home(args.data_dir)
    predictor = device_predictor(args.model, home)
    # Imported here: gradio takes seconds, and must see the environment that settle() made.
    from edge_app.kiosk.app import Reach, build_app
    from edge_app.kiosk.guard import LOOPBACK_HOSTS
    from edge_app.records.readers import reader_names

    desk = Desk(predictor, home, args.ask_first, films=KeptFilms(args.keep_films) if args.keep_films else None)
    if args.keep_days:
        threading.Thread(target=_retain, args=(desk, args.keep_days), name="retain", daemon=True).start()
    if args.watch:
        watcher = Watcher(args.watch)
        watcher.new_films()  # a folder that is not there is said now, not later in a thread
        desk.watching = True
        threading.Thread(target=_watch, args=(desk, watcher), name="watch", daemon=True).start()
    if args.dicom_port:
        _receive(desk, args)
    if args.lan and not reader_names(desk.store()):
        raise KitError("nobody could log in: add a reader first: echo PIN | edge_app reviews add-reader INITIALS")
    names = {socket.gethostname(), f"{socket.gethostname()}.local", *args.name} if args.lan else set()
    reach = Reach(LOOPBACK_HOSTS | names, lan=args.lan, tls=bool(args.tls_cert))
    return build_app(desk, reach), f"{predictor.card.name} {predictor.card.version}"


def _receive(desk: Desk, args: argparse.Namespace) -> None:
    """Take films from X-ray machines; it ends with the process."""
    from edge_app.workflow.dicom_receiver import parse_peer, start_receiver

    def take(content: bytes) -> bool:
        slip = desk.read(content, "dicom")
        return slip.saved or slip.answer is None

    try:
        peers = [parse_peer(text) for text in args.dicom_peer]
    except ValueError as cause:
        raise KitError(f"--dicom-peer: {cause}") from cause
    start_receiver(take, args.dicom_ae, (EVERYWHERE, args.dicom_port), peers)
    desk.watching = True


def _watch(desk: Desk, watcher: Watcher) -> None:
    """Read what appears in the folder, for ever; a folder that goes away may come back."""
    while True:
        time.sleep(LOOK_EVERY_S)
        try:
            for path in watcher.new_films():
                desk.read_file(path)
        except KitError as error:
            print(f"edge_app: {error}", file=sys.stderr)
            time.sleep(30 * LOOK_EVERY_S)


def _retain(desk: Desk, days: int) -> None:
    """Delete what is too old, now and every day; what fails is tried again the next day."""
    while True:
        try:
            records, films = retain(desk.store(), days, desk.films)
            if records or films:
                print(f"edge_app: {records} records and {films} films older than {days} days deleted", file=sys.stderr)
        except KitError as error:
            print(f"edge_app: {error}", file=sys.stderr)
        time.sleep(DAY_S)


def _run(app: Any, listener: socket.socket, args: argparse.Namespace) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=STOP_WITHIN_S,  # a page left open holds a stream for ever
        ssl_certfile=args.tls_cert,
        ssl_keyfile=args.tls_key,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _check_reach(args: argparse.Namespace, host: str) -> None:
    if not args.lan and not _is_loopback(host):
        raise KitError(f"{host} lets other machines in: say --lan if that is meant; readers must then log in")
    if bool(args.tls_cert) != bool(args.tls_key):
        raise KitError("--tls-cert and --tls-key go together")
    for path in (args.tls_cert, args.tls_key):
        if path and not Path(path).is_file():
            raise KitError(f"{path} is no file")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listener(host: str, port: int) -> socket.socket:
    """A socket on the address; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named: asyncio turns Nagle's delay off (40 ms an answer) only where it is.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as cause:
        listener.close()
        raise KitError(f"cannot listen on {host}:{port}: {cause.strerror}: stop the other or name --port") from cause
    listener.listen(QUEUE)
    return listener
