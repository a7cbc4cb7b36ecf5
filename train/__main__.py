"""`python -m train`: make float models and measure how good they are."""

import sys
from collections.abc import Sequence

from edge_app.commandline import run_commands

COMMANDS = ("fit", "locator", "tune", "evaluate", "data", "weights", "doctor")
MOVED = {  # studies of models, to `python -m benchmarks`
    "compare": "networks",
    "recipes": "ablation",
    "regions": "occlusion",
    "stability": "stability",
    "probe": "probe",
    "hospitals": "hospitals",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see `edge_app.commandline.run_commands`. A command that has moved says where, and returns 2."""
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] in MOVED:
        print(f"train: {words[0]} is now python -m benchmarks {MOVED[words[0]]}", file=sys.stderr)
        return 2
    return run_commands("train", __doc__, COMMANDS, words)


if __name__ == "__main__":
    raise SystemExit(main())
