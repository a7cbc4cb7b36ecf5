"""The raw outputs of this device's model on phantoms, to compare two machines number by number.

python tests/edge_app/deploy/outputs.py FILMS > here.json
python tests/edge_app/deploy/outputs.py --compare here.json there.json
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.imaging.phantom import LABELS, draw_phantom


def main(argv: list[str] | None = None) -> int:
    """Print outputs, or how far two sets of them differ.

    Returns:
        0; with --compare 1 if they are further apart than the model's golden films allow, or --within.
    """
    parser = argparse.ArgumentParser(prog="outputs", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("films", nargs="?", type=int, default=12, help="how many phantoms (default: %(default)s)")
    parser.add_argument("--reference", action="store_true", help="by the reference kernels, the same everywhere")
    parser.add_argument("--within", type=int, metavar="STEPS", help="with --compare: 0 is to the bit")
    parser.add_argument("--compare", nargs=2, type=Path, metavar="FILE", help="two files that this command wrote")
    args = parser.parse_args(argv)
    if args.compare:
        verdict = compare(*(json.loads(path.read_text(encoding="utf-8")) for path in args.compare))
        print(json.dumps(verdict))
        allowed = verdict["steps_allowed"] if args.within is None else args.within
        return int(verdict["steps_off"] > allowed or verdict["decisions_changed"] > 0 or not verdict["same_model"])
    print(json.dumps(outputs(args.films, args.reference)))
    return 0


def outputs(films: int, reference: bool = False) -> dict[str, Any]:
    """The int8 outputs and the decisions of some phantoms, with the machine and runtime they come from."""
    from edge_app.model.runtimes.interpreter import Interpreter
    from edge_app.reading.decision import decide
    from edge_app.reading.predictor import load_predictor
    from edge_app.reading.selftest import device

    predictor = load_predictor()
    run = predictor.infer
    if reference:
        card = predictor.card
        run = Interpreter(predictor.bundle.model, len(card.labels), predictor.runtime, reference=True).run
    rows = []
    for seed in range(films):
        film = draw_phantom(LABELS[seed % len(LABELS)], seed)
        got = run(predictor.preparation.prepare(film)[0])
        raw = {name: values.ravel().tolist() for name, values in got.raw.items()}
        rows.append({"raw": raw, "decision": decide(got.logits, predictor.card).decision})
    return {
        "device": device(),
        "runtime": str(predictor.runtime),
        "kernels": "reference" if reference else predictor.runtime.family,
        "steps_allowed": predictor.bundle.golden.steps_allowed[predictor.runtime.family],
        "model": asdict(predictor.identity),
        "films": rows,
    }


def compare(here: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """How many numbers differ, and by how many steps at most."""
    off = np.concatenate(
        [
            np.abs(np.asarray(one["raw"][name]) - np.asarray(other["raw"][name])).ravel()
            for one, other in zip(here["films"], there["films"], strict=True)
            for name in one["raw"]
        ]
    )
    changed = [a["decision"] != b["decision"] for a, b in zip(here["films"], there["films"], strict=True)]
    return {
        "machines": [here["device"]["machine"], there["device"]["machine"]],
        "runtimes": [here["runtime"], there["runtime"]],
        "kernels": [here["kernels"], there["kernels"]],
        "same_model": here["model"] == there["model"],
        "films": len(changed),
        "numbers": int(off.size),
        "numbers_that_differ": int((off > 0).sum()),
        "steps_off": float(off.max()),
        "steps_allowed": there["steps_allowed"],
        "decisions_changed": sum(changed),
    }


if __name__ == "__main__":
    raise SystemExit(main())
