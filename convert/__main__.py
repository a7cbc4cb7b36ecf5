"""`python -m convert --int8`: a float model in, a bundle out, or a clear refusal."""

import argparse
import dataclasses
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from convert.formats.registry import FORMATS, PTQ, QAT
from convert.options import SCALES, TARGETS, Budget, ConvertOptions, NetworkOptions, QatOptions
from edge_app.commandline import guarded, set_up_logging
from edge_app.system.result_folder import newest_folder
from edge_app.version import __version__
from train.commands.options import add_result_folder, real, result_folder, whole
from train.commands.purpose import add_purpose_arguments, purpose_of
from train.evaluation.floor import Floor

LOG = logging.getLogger(__name__)
DEFAULT, FIT, LOCATOR = Path("runs/convert"), Path("runs/fit"), Path("runs/locator")
MODEL, RUN = "model.keras", "run.json"  # in the folder of a run
BUDGET = {  # fields of `Budget`: the option, and what it allows
    "recall_films": ("--max-films-missed", "additional missed films with the finding"),
    "recall": ("--max-recall-loss", "or this share of them, whichever is larger"),
    "accuracy": ("--max-accuracy-loss", "loss of accuracy"),
    "flips": ("--max-flips", "share of changed decisions"),
    "auc": ("--max-auc-loss", "loss of AUC"),
}


def build_parser() -> argparse.ArgumentParser:
    """The parser; tests compare it with the documentation."""
    parser = argparse.ArgumentParser(prog="convert", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    formats = parser.add_argument_group("formats (default: --int8)")
    for one in FORMATS.values():
        formats.add_argument(f"--{one.name}", action="store_true", help=one.help)
    formats.add_argument("--all", action="store_true", help="every format")
    formats.add_argument("--onnx", action="store_true", help="only the float model, as an ONNX file and no bundle")
    add = parser.add_argument
    add("--model", type=Path, help="default: that of the newest finished run in runs/fit or its numbers")
    locator_help = (
        "alone: --model is a locator, write the files for train fit --locator; with --labels: as for train fit"
    )
    add("--locator", nargs="?", const=True, metavar="DIR", help=locator_help)
    add("--masks", type=Path, metavar="DIR", help="with --locator: the masks that it learned from")
    add("--masks-attribution", default="not stated", metavar="TEXT", help="whose masks, for the model card")
    add("--masks-licence", default="not stated", metavar="TEXT", help="under which licence")
    add("--data", action="append", metavar="DIR", help="the films it was trained on (default: as for train fit)")
    add_result_folder(parser, DEFAULT)
    add("--target", choices=TARGETS, default=TARGETS[0], help="default: %(default)s")
    add("--qat-epochs", type=whole(0), default=8, metavar="N", help="at most (default: %(default)s)")
    add("--qat-patience", type=whole(1), default=3, metavar="N", help="epochs without gain (default: 3)")
    add("--resume", action="store_true", help="continue the quantization-aware training in --out")
    add("--seed", type=whole(0), default=0, metavar="N", help="seed of quantization-aware training")
    network = parser.add_argument_group("a Keras network of your own (.keras, .h5 or the folder of a SavedModel)")
    network.add_argument("--labels", type=_labels, default=(), metavar="A,B,...", help="its classes, in order")
    network.add_argument("--input", choices=("gray", "rgb"), default="", help="what it takes (default: as in its file)")
    scales = "the pixels that it was trained on, such as --scale=-1..1 (default: %(default)s)"
    network.add_argument("--scale", choices=SCALES, default="0..255", help=scales)
    network.add_argument("--negative", default="", metavar="CLASS", help="the class without the finding")
    budget = parser.add_argument_group("budget of the parity gate")
    for name, (option, words) in BUDGET.items():
        default = getattr(Budget(), name)
        kind, metavar = (whole(0), "N") if isinstance(default, int) else (real(), "SHARE")
        budget.add_argument(
            option, type=kind, dest=name, default=default, metavar=metavar, help=f"{words} (default: {default})"
        )
    floor = parser.add_argument_group("floor: below it no file is made")
    for figure, low in dataclasses.asdict(Floor()).items():
        floor.add_argument(
            f"--min-{figure}",
            type=real(0, 1),
            default=low,
            metavar="X",
            help=f"{figure} on the validation films, 0 to 1 (default: %(default)s)",
        )
    add("--outside-xnnpack", nargs="+", default=(), metavar="OP", help="operators that XNNPACK need not run")
    add("--debug", action="store_true", help="report the error of every layer, also of files that pass")
    add("--sign", type=Path, metavar="KEY", help="Ed25519 key of OpenSSH to sign the bundles with")
    add("--json", action="store_true", help="print the report as JSON")
    add_purpose_arguments(parser)
    return parser


def _labels(text: str) -> tuple[str, ...]:
    labels = tuple(label.strip() for label in text.lower().split(","))
    if len(set(labels)) < max(2, len(labels)):
        raise argparse.ArgumentTypeError(f"{text!r} does not name each class once, such as normal,pneumonia")
    return labels


def formats_asked_for(args: argparse.Namespace) -> list[str]:
    """The formats that decide the exit code; `--int8` also makes another one for comparison."""
    return [name for name in FORMATS if args.all or getattr(args, name)] or [PTQ if args.labels else QAT]


def options_of(args: argparse.Namespace, out: Path) -> ConvertOptions:
    """The options, from the command line, with the folder for the results."""
    asked = formats_asked_for(args)
    own = NetworkOptions(args.labels, args.scale, args.input, args.negative, args.locator)
    return ConvertOptions(
        model=args.model or newest_folder(FIT, RUN) / MODEL,
        out=out,
        data=args.data,
        formats=tuple(name for name in FORMATS if name in asked or (name == PTQ and QAT in asked)),
        target=args.target,
        budget=Budget(**{name: getattr(args, name) for name in BUDGET}),
        qat=QatOptions(epochs=args.qat_epochs, seed=args.seed, patience=args.qat_patience, resume=args.resume),
        outside_xnnpack=tuple(args.outside_xnnpack),
        debug=args.debug,
        purpose=purpose_of(vars(args)),
        sign=args.sign,
        network=own if args.labels else None,
        overwrite=args.overwrite,
        floor=Floor(args.min_auc, args.min_recall, args.min_specificity),
    )


def run(args: argparse.Namespace) -> int:
    """Convert and print the table.

    Returns:
        0 if every format that was asked for passed its gates, else 1.
    """
    out = args.out or newest_folder(DEFAULT) if args.resume else result_folder(args.out, DEFAULT, args.overwrite)
    if args.locator is True:
        return _run_locator(args, out)
    options = options_of(args, out)
    if not args.model:
        LOG.info("converting %s", options.model)
    if args.onnx:
        from convert.onnx_file import convert_to_onnx

        made = convert_to_onnx(options)
        words = "{path}: logits within {largest_difference:.1e} of the Keras model's on {films} validation films"
        print(json.dumps(made) if args.json else words.format(**made))
        return 0
    from convert.conversion import convert
    from convert.report.summary import qat_verdict, report_table

    rows = convert(options)
    print(json.dumps(rows) if args.json else f"{report_table(rows)}\nwritten to {out}")
    refusals = [f"{row['format']} refused: {row['reason']}" for row in rows if row["status"] != "ok"]
    for message in filter(None, [qat_verdict(rows), *refusals]):
        print(f"convert: {message}", file=sys.stderr)
    asked = formats_asked_for(args)
    return int(any(row["status"] != "ok" for row in rows if row["format"] in asked))


def _run_locator(args: argparse.Namespace, out: Path) -> int:
    from convert.locator import LocatorConversion, convert_locator
    from convert.report.summary import locator_table

    data = args.data[0] if args.data else None
    model = args.model or newest_folder(LOCATOR, MODEL) / MODEL
    options = LocatorConversion(
        model,
        out,
        args.masks,
        data,
        args.masks_attribution,
        args.masks_licence,
        outside_xnnpack=tuple(args.outside_xnnpack),
        overwrite=args.overwrite,
    )
    figures = convert_locator(options)
    print(json.dumps(figures) if args.json else locator_table(figures) + f"\nwritten to {out}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and convert; returns the exit code."""
    parser = build_parser()
    words = list(sys.argv[1:] if argv is None else argv)
    if "--scale" in words[:-1]:  # argparse would take a value that begins with a minus for an option
        place = words.index("--scale")
        words[place : place + 2] = [f"--scale={words[place + 1]}"]
    args = parser.parse_args(words)
    if args.locator is True and (args.labels or not args.masks):
        parser.error("--locator needs --masks, the masks that it learned from; with --labels, the folder of a locator")
    if args.onnx and (args.all or any(getattr(args, name) for name in FORMATS)):
        parser.error("--onnx makes no bundle: run it by itself")
    if args.locator is True and len(args.data or ()) > 1:
        parser.error("--locator takes one --data: the films of the masks")
    if not args.labels and (args.input or args.negative or isinstance(args.locator, str)):
        parser.error("--input, --negative and --locator DIR go with --labels")
    set_up_logging("convert")
    return guarded("convert", lambda: run(args))


if __name__ == "__main__":
    raise SystemExit(main())
