"""`predict`: score films from the command line, without gradio."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edge_app.commandline import printable
from edge_app.errors import BundleError

if TYPE_CHECKING:
    from edge_app.model.card import ModelCard
    from edge_app.model.runtimes.base import Runtime
    from edge_app.reading.answer import Answer

HELP = "score films; folders are searched recursively"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("films", nargs="+", type=Path, metavar="FILE", help="a film, or a folder of films")
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="a .tflite bundle (default: this device's model)")
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="where this device keeps its models and its own threshold"
    )
    parser.add_argument(
        "--operating-point",
        metavar="NAME",
        help="an operating point of the model's card, or `site` for the site's own (calibrate)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument("--heatmap", type=Path, metavar="DIR", help="write an overlay PNG for each film here")


def run(args: argparse.Namespace) -> int:
    """Score each film separately.

    Returns:
        0 if every film got a score, 1 if any did not or none was found.
    """
    from edge_app.reading.answer import as_json
    from edge_app.reading.predictor import device_predictor

    predictor = device_predictor(args.model, args.data_dir)
    predictor.card.operating_point(args.operating_point)
    if args.heatmap and not predictor.card.class_map:
        raise BundleError(f"{predictor.card.name} does not show where its evidence lies: leave out --heatmap")
    if not args.json:
        print(_heading(predictor.card, predictor.runtime, args.operating_point))
    total = failed = 0
    for path in walk(args.films):
        answer = predictor.answer(path, args.operating_point)
        print(json.dumps({"file": str(path)} | as_json(answer)) if args.json else _line(path, answer), flush=True)
        if args.heatmap and not answer.refusal:
            _write_heatmap(args.heatmap, path, answer)
        total += 1
        failed += answer.refusal is not None
    if not total:
        from edge_app.imaging.formats.registry import film_formats

        suffixes = " ".join(film_format.suffixes[0] for film_format in film_formats())
        print(f"edge_app: no films found: the kit reads {suffixes}", file=sys.stderr)
    return int(failed > 0 or total == 0)


def walk(paths: list[Path]) -> Iterator[Path]:
    """All named files, and the films in all named folders (see `films_in`), sorted by name.

    A named file always counts.
    """
    for path in paths:
        if path.is_dir():
            from edge_app.imaging.film_files import films_in

            yield from films_in(path)
        else:
            yield path


def _heading(card: "ModelCard", runtime: "Runtime", operating_point: str | None) -> str:
    name, point = card.operating_point(operating_point)
    places = "" if card.class_map else " It does not show where its evidence lies."
    phantom = " PHANTOM MODEL: trained on drawings, for demonstration only." if card.phantom else ""
    return (
        f"{card.name} {card.version} on {runtime}.{phantom}{places}\n{card.intended_use}\n"
        f"Operating point {name}: threshold {point.threshold:.3f}, sensitivity {point.recall.percent()}, "
        f"specificity {point.specificity.percent()}."
    )


def _line(film: Path, answer: "Answer") -> str:
    if refusal := answer.refusal:
        return f"{printable(film)}: {refusal.status}: {refusal.sentence} ({refusal.code})"
    decision = answer.decision
    warnings = f"; warnings: {', '.join(answer.warnings)}" if answer.warnings else ""
    return (
        f"{printable(film)}: {decision.decision}, P({decision.finding}) {decision.p_finding:.3f}, "
        f"threshold {decision.threshold:.3f} ({decision.operating_point}){warnings}"
    )


def _write_heatmap(folder: Path, film: Path, answer: "Answer") -> None:
    """Write `NAME-HASH.png`; the hash of the path distinguishes films of the same name in two folders."""
    if answer.film is None:
        return
    from edge_app.imaging.heatmap import overlay
    from edge_app.system.files import sha256_of

    folder.mkdir(parents=True, exist_ok=True)
    name = f"{film.stem}-{sha256_of(os.fsencode(film))[:8]}.png"
    overlay(answer.film.pixels, answer.evidence, answer.lung_field).save(folder / name)
