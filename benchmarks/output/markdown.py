"""A result as Markdown: its page, its tables and the figures in them."""

from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
Columns = dict[str, Callable[[Row], str]]  # the head of each column, and its cell in a row


def page(title: str, result: dict[str, Any], rows_table: str, *sentences: str) -> str:
    """The page of a result: the machine, the goals where there are any, and the rows.

    Args:
        sentences: what else the first paragraph says.
    """
    first = " ".join([f"{machine_line(result)}.", *sentences])
    goals = f"{goals_table(result['goals'])}\n" if "goals" in result else ""
    return f"# {title}\n\n{first}\n\n{goals}{rows_table}"


def machine_line(result: dict[str, Any]) -> str:
    """One line about the machine of a result."""
    machine, before, after = result["device"], result["before"], result["after"]
    parts = [machine["board"], machine["cpu"], f"{machine['cores']} cores", machine["system"]]
    parts += [f"Python {machine['python']}", f"governor {machine['governor'] or 'unknown'}"]
    parts += [f"load {before['load_average_1min']} before, {after['load_average_1min']} after"]
    if after["temperature_c"] is not None:
        parts += [f"{before['temperature_c']} to {after['temperature_c']} °C"]
    if after["throttled"]:
        parts += [f"THROTTLED: {', '.join(after['throttled'])}"]
    return ", ".join(str(part) for part in parts if part)


def goals_table(goals: Sequence[dict[str, Any]]) -> str:
    """Each goal with what was measured, and whether it holds."""
    body = []
    for goal in goals:
        measured = goal.get("measured", {"wall": None, "cpu": None})
        verdict = {True: "yes", False: "NO", None: goal.get("why")}[goal["holds"]]
        body.append([goal["goal"], interval(measured["wall"]), interval(measured["cpu"]), str(verdict)])
    return table(["goal", "ratio, wall clock", "ratio, processor time", "holds"], body)


def measured_table(rows: Sequence[Row], labels: Columns, figures: Columns, text_columns: int = 1) -> str:
    """A table with one line per row.

    Args:
        labels: the first columns, which every row has.
        figures: the other ones; a row that could not run shows its reason in their place.
    """
    body = []
    for row in rows:
        cells = [cell(row) for cell in labels.values()]
        if "cannot_run" in row:
            body.append([*cells, row["cannot_run"], *[""] * (len(figures) - 1)])
        else:
            body.append([*cells, *(cell(row) for cell in figures.values())])
    return table([*labels, *figures], body, text_columns)


def words(key: str) -> Callable[[Row], str]:
    """The cell of a word or a count; `-` in a row without it."""
    return lambda row: str(row.get(key, "-"))


def number(*keys: str) -> Callable[[Row], str]:
    """The cell of a figure that lies under one key, or under several inside each other."""

    def cell(row: Row) -> str:
        found: Any = row
        for key in keys:
            found = found and found.get(key)
        return figure(found)

    return cell


def ratio_of(key: str) -> Callable[[Row], str]:
    """The cell of a ratio with its interval."""
    return lambda row: interval(row.get(key))


def engine_of(row: Row) -> str:
    """The cell of a runtime, with its version where it ran."""
    return str(row.get("engine_version") or row.get("engine", "-"))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """A Markdown table; the first columns are text, the others are figures."""
    rule = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    return "".join(map(_line, [head, rule, *rows]))


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of text alone, or of figures with their intervals."""
    rule = "|---" * len(head) + "|\n"
    return "".join([_line(head), rule, *map(_line, rows)])


def figure(value: float | None) -> str:
    """A figure with three significant digits; `-` where there is none."""
    if value is None:
        return "-"
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.{2 if size >= 1 else 3}f}"


def interval(ratio: dict[str, float] | None) -> str:
    """A ratio with its 95% interval: `3.21 (3.10 to 3.30)`."""
    if ratio is None:
        return "-"
    return f"{figure(ratio['value'])} ({figure(ratio['low'])} to {figure(ratio['high'])})"


def with_interval(share: dict[str, float], digits: int = 4) -> str:
    """A figure between 0 and 1 with its 95% interval: `0.9907 (0.9858 to 0.9955)`."""
    value, low, high = (f"{share[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
