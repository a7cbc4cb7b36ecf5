"""The files of a result: JSON for machines, Markdown for readers, a plot."""

import json
import re
from pathlib import Path
from typing import Any

from edge_app.system.files import write_atomically

FORMAT_VERSION = 1


def write_result(folder: Path, result: dict[str, Any], markdown: str, plot: str | None = None) -> Path:
    """Write `NAME.json`, `NAME.md` and, if there is a plot, `NAME.svg`.

    Returns:
        The path of the JSON file.
    Raises:
        OSError: the folder cannot be written to.
    """
    path = folder / f"{result['benchmark']}.json"
    write_atomically(path, as_json(result).encode())
    write_atomically(path.with_suffix(".md"), markdown.encode())
    if plot:
        write_atomically(path.with_suffix(".svg"), plot.encode())
    return path


def as_json(result: dict[str, Any]) -> str:
    """Indented JSON, with each list of numbers on one line: one line per round would fill pages."""
    text = json.dumps(result, indent=1, allow_nan=False)
    return re.sub(r"\[[\d\s.,e+-]+\]", lambda match: " ".join(match[0].split()), text) + "\n"
