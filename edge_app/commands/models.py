"""`models`: installs a model on this device, goes back to the previous one, lists them."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HELP = "install a model from a file, go back to the previous one, list the installed ones"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list the models of this device; * marks the one in use")
    install = actions.add_parser("install", help="check a model file, try it, and use it from then on")
    install.add_argument(
        "file", type=Path, metavar="FILE", help="a .tflite bundle, with its .sha256 in the same folder"
    )
    use = actions.add_parser("use", help="use an installed model, or the shipped one")
    use.add_argument("version", metavar="VERSION", help="its first digits as `models list` shows them, or: shipped")
    rollback = actions.add_parser("rollback", help="go back to the model before the one in use")
    settle = actions.add_parser("settle", help="try the model in use; if it fails, go back to one that works")
    for action in (listing, install, use, rollback, settle):
        action.add_argument("--data-dir", type=Path, metavar="DIR", help="where this device keeps its models")
        action.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Run one action; a failure raises `BundleError`.

    Returns:
        0; for `list` 1 if the model in use or the previous one is damaged.
    """
    from edge_app.model.installed import ModelStore
    from edge_app.system.home import data_home

    store = ModelStore(data_home(args.data_dir))
    if args.action == "install":
        store.install(args.file)
    elif args.action == "use":
        store.use(args.version)
    elif args.action == "rollback":
        store.rollback()
    elif args.action == "settle":
        _settle(store)
    rows = _rows(store)
    print(json.dumps(rows) if args.json else _table(rows))
    return int(args.action == "list" and any(row["state"] and row["problem"] for row in rows))


def _settle(store: Any) -> None:
    """Going back is the purpose, so it is not a failure; the log says why it was needed."""
    version, refused = store.settle()
    for sentence in refused:
        print(f"edge_app: refused model {sentence}", file=sys.stderr)
    if refused:
        print(f"edge_app: continuing with model {version}", file=sys.stderr)


def _rows(store: Any) -> list[dict[str, Any]]:
    from edge_app.model.installed import SHIPPED

    selection = store.selection()
    named = [version for version in (selection.current, selection.previous) if version != SHIPPED]
    versions = list(dict.fromkeys((*named, *store.installed(), SHIPPED)))
    return [_row(store, version, _state(version, selection)) for version in versions]


def _state(version: str, selection: Any) -> str:
    if version == selection.current:
        return "in use"
    return "previous" if version == selection.previous else ""


def _row(store: Any, version: str, state: str) -> dict[str, Any]:
    from edge_app.errors import BundleError
    from edge_app.model.bundle import read_bundle

    row = {"version": version, "state": state, "name": None, "model_version": None, "sha256": None, "problem": None}
    try:
        bundle = read_bundle(store.bundle_path(version))
    except BundleError as error:
        return row | {"problem": str(error)}
    card = bundle.card
    return row | {"name": card.name, "model_version": card.version, "sha256": bundle.sha256, "phantom": card.phantom}


def _table(rows: list[dict[str, Any]]) -> str:
    lines = []
    for row in rows:
        mark = "*" if row["state"] == "in use" else " "
        what = row["problem"] or f"{row['name']} {row['model_version']}"
        phantom = "  PHANTOM MODEL, for demonstration only" if row.get("phantom") else ""
        lines.append(f"{mark} {row['version']:16}  {row['state']:8}  {what}{phantom}")
    return "\n".join(lines)
