"""`serve`: the kiosk; by default only this machine can reach it."""

import argparse
from pathlib import Path

HELP = "open the kiosk (the default command)"
MAX_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, or with --lan 0.0.0.0)")
    parser.add_argument("--port", type=_port, default=7860, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the record is kept (default: CXR_EDGE_HOME, else XDG_DATA_HOME/cxr-edge)",
    )
    parser.add_argument(
        "--ask-first",
        action="store_true",
        help="ask readers for their own impression before showing the model's answer",
    )
    parser.add_argument(
        "--keep-films", type=Path, metavar="DIR", help="keep films in DIR, unencrypted: use an encrypted partition"
    )
    parser.add_argument(
        "--keep-days", type=_days, metavar="N", help="delete records and films N days after somebody was done with them"
    )
    parser.add_argument("--watch", type=Path, metavar="FOLDER", help="also read each film that appears in FOLDER")
    parser.add_argument(
        "--dicom-port", type=_port, metavar="PORT", help="also accept films that an X-ray machine sends (C-STORE)"
    )
    parser.add_argument("--dicom-ae", default="CXRKIT", metavar="TITLE", help="the kiosk's AE title (%(default)s)")
    parser.add_argument(
        "--dicom-peer", action="append", default=[], metavar="AETITLE@ADDRESS", help="an X-ray machine that may send"
    )
    parser.add_argument("--lan", action="store_true", help="accept other machines; readers must then log in")
    parser.add_argument(
        "--name", action="append", default=[], metavar="HOST", help="with --lan: a host name of the kiosk"
    )
    parser.add_argument("--tls-cert", type=Path, metavar="PEM", help="with --lan: certificate, for https")
    parser.add_argument("--tls-key", type=Path, metavar="PEM", help="with --lan: the certificate's key")
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="a .tflite bundle (default: this device's model)")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted.

    Returns:
        0 after a clean stop.
    """
    from edge_app.kiosk.server import ServeOptions, serve

    options = ServeOptions(
        host=args.host or "",
        port=args.port,
        data_dir=args.data_dir,
        model=args.model,
        ask_first=args.ask_first,
        keep_films=args.keep_films,
        keep_days=args.keep_days or 0,
        watch=args.watch,
        dicom_port=args.dicom_port or 0,
        dicom_ae=args.dicom_ae,
        dicom_peers=tuple(args.dicom_peer),
        lan=args.lan,
        names=tuple(args.name),
        tls_cert=args.tls_cert,
        tls_key=args.tls_key,
    )
    serve(options, lambda line: print(line, flush=True))
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 0 to {MAX_PORT}")
    return int(text)


def _days(text: str) -> int:
    from edge_app.records.retention import MAX_DAYS

    days = int(text)
    if not 1 <= days <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"{text} is not 1 to {MAX_DAYS}")
    return days
