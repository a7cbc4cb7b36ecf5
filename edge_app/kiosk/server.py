"""Starting the kiosk: surroundings first, then the model, then the port."""

import argparse
import socket
import sys

from edge_app.calibration import with_site_point
from edge_app.errors import KitError
from edge_app.home import data_home
from edge_app.kiosk.surroundings import purge, settle
from edge_app.predictor import load_predictor

MAX_CONNECTIONS = 256
STOP_WITHIN_S = 2
QUEUE = 64  # connections that may wait before the machine refuses them


def serve(args: argparse.Namespace) -> int:
    """Serve until interrupted.

    Returns:
        0 after a clean stop.
    Raises:
        KitError: the model fails its checks, or the port is taken.
    """
    listener = _listener(args.host, args.port)
    port = listener.getsockname()[1]
    temp = settle(port)
    try:
        home = data_home(args.data_dir)
        predictor = load_predictor(args.model)
        predictor.card = with_site_point(predictor.card, predictor.bundle.sha256, home)
        # Imported here: gradio takes seconds, and must see the environment that settle() made.
        import uvicorn

        from edge_app.kiosk.app import build_app
        from edge_app.kiosk.desk import Desk

        desk = Desk(predictor, home, args.ask_first)
        app = build_app(desk)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=STOP_WITHIN_S,  # a page left open holds a stream for ever
        )
        print(f"{predictor.card.name} {predictor.card.version} at http://{args.host}:{port}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
        purge(temp)
    print("edge_app: the kiosk has stopped", file=sys.stderr)
    return 0


def _listener(host: str, port: int) -> socket.socket:
    """A socket on the address; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as cause:
        listener.close()
        raise KitError(
            f"cannot listen on {host}:{port}: {cause.strerror}: stop the other one or name --port"
        ) from cause
    listener.listen(QUEUE)
    return listener
