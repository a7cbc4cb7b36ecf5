"""`python -m benchmarks`: measures the kit on this machine, and studies its models."""

from collections.abc import Sequence

from benchmarks.device import BENCHMARKS
from edge_app.commandline import run_commands

DEVICE = tuple(f"device.{name}" for name in BENCHMARKS)
STUDIES = ("networks", "ablation", "occlusion", "stability", "probe", "hospitals", "rejection", "bundles")
COMMANDS = (*DEVICE, *STUDIES, "all", "report", "tables")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see `edge_app.commandline.run_commands`."""
    return run_commands("benchmarks", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
