"""`reviews`: the record on the command line: list, export, back up, check, purge, manage readers."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_app.records.database import Store

ACTOR = "command line"  # in the audit log
HELP = "list, export, back up and check the record of drafts and reviews"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from edge_app.records.readers import ROLES

    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="print one record per line")
    listing.add_argument("--status", choices=("draft", "signed"), default="", help="only these")
    listing.add_argument("--json", action="store_true", help="print one JSON object per line")
    export = actions.add_parser("export", help="write all records as CSV or JSON to stdout or a file")
    export.add_argument("--format", choices=("csv", "json"), default="csv", help="default: %(default)s")
    export.add_argument("--out", type=Path, metavar="FILE", help="a file; it is written completely or not at all")
    backup = actions.add_parser("backup", help="write a consistent copy of the record, for a USB stick")
    backup.add_argument("file", type=Path, metavar="FILE")
    audit = actions.add_parser("audit", help="print the audit log and check every row of the record against it")
    audit.add_argument("--json", action="store_true", help="print one JSON object per line")
    purge = actions.add_parser("purge", help="delete records that were done with more than N days ago")
    purge.add_argument("--days", type=int, required=True, metavar="N", help="1 to 36500")
    purge.add_argument("--clock-is-right", action="store_true", help="delete although the clock was doubted")
    purge.add_argument("--films", type=Path, metavar="DIR", help="where films are kept; also delete theirs")
    films = actions.add_parser("films", help="copy kept films of signed records into one folder per finding, for train")
    films.add_argument("--films", type=Path, required=True, metavar="DIR", help="where serve keeps them")
    films.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the folders go")
    reader = actions.add_parser("add-reader", help="enrol a reader; the PIN is read from stdin")
    reader.add_argument("--role", choices=ROLES, default=ROLES[0], help="a technician may not sign (%(default)s)")
    unlock = actions.add_parser("unlock", help="forget a reader's wrong PINs")
    remove = actions.add_parser("remove", help="let a reader neither sign nor log in any more")
    set_pin = actions.add_parser("set-pin", help="give a reader a new PIN; it is read from stdin")
    people = (reader, unlock, remove, set_pin)
    for action in people:
        action.add_argument("initials", metavar="INITIALS")
    for action in (listing, export, backup, audit, purge, films, *people):
        action.add_argument("--data-dir", type=Path, metavar="DIR", help="as for serve")


def run(args: argparse.Namespace) -> int:
    """Open the record and run one action.

    Returns:
        0, or 1 when the audit log was tampered with.
    """
    from edge_app.records.database import open_store
    from edge_app.system.home import data_home

    store = open_store(data_home(args.data_dir))
    try:
        return ACTIONS[args.action](store, args)
    finally:
        store.close()


def _list(store: "Store", args: argparse.Namespace) -> int:
    from edge_app.records.export import flat

    for row in map(flat, store.records(args.status)):
        if args.json:
            print(json.dumps(row))
        else:
            signed = f"{row['verdict']}: {row['finding']} ({row['reader']})" if row["reader"] else "-"
            print(f"{row['id']}  {row['created_at']}  {row['p_pneumonia']:.3f}  {row['decision']:<10} {signed}")
    return 0


def _export(store: "Store", args: argparse.Namespace) -> int:
    from edge_app.errors import StoreError
    from edge_app.records.export import to_csv, to_json
    from edge_app.system.files import write_private

    text = {"csv": to_csv, "json": to_json}[args.format](store.records())
    if args.out:
        try:
            write_private(args.out, text.encode())
        except OSError as cause:
            raise StoreError(f"{args.out} cannot be written: {cause}") from cause
    else:
        sys.stdout.write(text)
    store.note(ACTOR, "export", detail=args.format)
    return 0


def _backup(store: "Store", args: argparse.Namespace) -> int:
    store.back_up(args.file)
    return 0


def _audit(store: "Store", args: argparse.Namespace) -> int:
    for entry in store.audit_log():
        line = f"{entry.seq}  {entry.at}  {entry.actor}  {entry.action}  {entry.subject}  {entry.detail}"
        line += f"  start {entry.boot_id[:8]} + {entry.uptime_s:.0f} s" if entry.uptime_s is not None else ""
        print(json.dumps(vars(entry)) if args.json else line)
    findings = store.check()
    for finding in findings:
        print(f"edge_app: {finding}", file=sys.stderr)
    if findings:
        print("edge_app: compare the record with its last back-up", file=sys.stderr)
    return int(bool(findings))


def _purge(store: "Store", args: argparse.Namespace) -> int:
    from edge_app.records.kept_films import KeptFilms
    from edge_app.records.retention import retain

    kept = KeptFilms(args.films) if args.films else None
    records, films = retain(store, args.days, kept, clock_is_right=args.clock_is_right)
    print(f"{records} records{f' and {films} films' if args.films else ''} deleted")
    return 0


def _films(store: "Store", args: argparse.Namespace) -> int:
    from edge_app.errors import StoreError
    from edge_app.records.export import PROBABILITIES
    from edge_app.records.kept_films import KeptFilms
    from edge_app.system.files import write_private

    kept = KeptFilms(args.films)
    copied = left_out = 0
    for record in store.records("signed"):
        film = kept.film(record.id)
        if not film or record.review is None or record.review.finding not in PROBABILITIES:
            left_out += 1
            continue
        try:
            write_private(args.out / record.review.finding / f"{record.id}.jpg", film)
        except OSError as cause:
            raise StoreError(f"{args.out} cannot be written: {cause.strerror}") from cause
        copied += 1
    store.note(ACTOR, "export", detail=f"{copied} films")
    print(f"{copied} films copied; {left_out} signed records left out (no film, or a finding that train does not use)")
    return 0


def _add_reader(store: "Store", args: argparse.Namespace) -> int:
    from edge_app.records.readers import add_reader

    add_reader(store, args.initials, sys.stdin.readline().strip(), ACTOR, args.role)
    return 0


def _unlock(store: "Store", args: argparse.Namespace) -> int:
    from edge_app.records.readers import unlock

    unlock(store, args.initials, ACTOR)
    return 0


def _remove(store: "Store", args: argparse.Namespace) -> int:
    from edge_app.records.readers import remove

    remove(store, args.initials, ACTOR)
    return 0


def _set_pin(store: "Store", args: argparse.Namespace) -> int:
    from edge_app.records.readers import set_pin

    set_pin(store, args.initials, sys.stdin.readline().strip(), ACTOR)
    return 0


ACTIONS = {
    "list": _list,
    "export": _export,
    "backup": _backup,
    "audit": _audit,
    "purge": _purge,
    "films": _films,
    "add-reader": _add_reader,
    "unlock": _unlock,
    "remove": _remove,
    "set-pin": _set_pin,
}
