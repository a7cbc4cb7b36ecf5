"""A kiosk whose worker does what the first word of a file says; run by `test_kiosk_hard_films.py`.

python unruly_kiosk.py HOME WORKER
"""

import socket
import sys
from pathlib import Path

import uvicorn

from edge_app.imaging.decoder.pool import DecoderPool
from edge_app.imaging.decoder.process import WorkerProcess
from edge_app.kiosk.app import build_app
from edge_app.model.bundle import read_bundle, shipped_bundle_path
from edge_app.reading.predictor import Predictor
from edge_app.workflow.reading_service import ReadingService


def main() -> None:
    """Serve until it is killed."""
    pool = DecoderPool(lambda: WorkerProcess((sys.executable, sys.argv[2])))
    predictor = Predictor(read_bundle(shipped_bundle_path()))
    app = build_app(ReadingService(predictor, Path(sys.argv[1]), read=pool.read))
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
