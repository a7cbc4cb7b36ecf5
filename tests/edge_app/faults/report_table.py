"""Turns fault-report.jsonl of docs/evidence, which `make fault-report` wrote, into the table of its reliability.md.

python tests/edge_app/faults/report_table.py        rewrites the table in place
"""

import json
import re
from pathlib import Path

EVIDENCE = Path(__file__).parents[3] / "docs" / "evidence"
REPORT = EVIDENCE / "fault-report.jsonl"
PAGE = EVIDENCE / "reliability.md"
TABLE = re.compile(r"(?<=<!-- fault-report -->\n).*(?=<!-- /fault-report -->)", re.DOTALL)


def table() -> str:
    """The table: one row per test, its seed, what was tried and the outcome."""
    rows = ["| test | seed | tried, and what came of it |", "|---|---|---|"]
    for line in REPORT.read_text(encoding="utf-8").splitlines():
        noted = json.loads(line)
        name, seed = noted.pop("test"), noted.pop("seed", "")
        figures = ", ".join(f"{key.replace('_', ' ')} {value:,}" for key, value in noted.items())
        rows.append(f"| `{name}` | {seed} | {figures} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Write it into the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(lambda _: table(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
