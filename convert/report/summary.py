"""The report in a few lines: the table of all formats, and whether training for int8 paid off."""

from typing import Any

from convert.formats.registry import PTQ, QAT

FIGURES = ("AUC", "accuracy", "recall", "specificity")
OVERVIEW = ("format", "status", "bytes", "runtime", "ms", *FIGURES, "flips", "more misses")


def report_table(rows: list[dict[str, Any]]) -> str:
    """One line per format and runtime, in Markdown."""
    lines = [OVERVIEW, ("---",) * len(OVERVIEW), *overview(rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def overview(rows: list[dict[str, Any]]) -> list[list[str]]:
    """The cells below `OVERVIEW`, one line per format and runtime; a format that ran in none shows why."""
    lines = []
    for row in rows:
        size = f"{row.get('bundle_bytes') or row['model_bytes']:,}"
        latencies = {seen["runtime"]: f"{seen['latency_ms']:.2f}" for seen in row["runtimes"]}
        made = [row["format"], row["status"], size]
        if not row["parity"]:
            lines.append([*made, row["reason"], *[""] * (len(OVERVIEW) - 4)])
        for parity in row["parity"]:
            figures = [f"{parity['converted'][name.lower()]:.4f}" for name in FIGURES]
            counts = [f"{len(parity['flips'])} of {parity['films']}", str(parity["films_missed_more"])]
            lines.append([*made, parity["runtime"], latencies[parity["runtime"]], *figures, *counts])
    return lines


def qat_verdict(rows: list[dict[str, Any]]) -> str | None:
    """Advice to take the post-training file, where it did better on the gates; else None.

    Better means: it passed and the other did not; else fewer flips in its worst runtime; else logits
    closer to the float model's.
    """
    found = {row["format"]: _standing(row) for row in rows if row["parity"]}
    if QAT not in found or PTQ not in found:
        return None
    (trained, trained_words), (untrained, untrained_words) = found[QAT], found[PTQ]
    if trained <= untrained:
        return None
    return (
        f"post-training quantization does better on the gates ({untrained_words}) than quantization-aware "
        f"training ({trained_words}): consider the ptq bundle"
    )


def _standing(row: dict[str, Any]) -> tuple[tuple[bool, int, float], str]:
    """Sorts the better file first; and the same in words."""
    flips = max(len(parity["flips"]) for parity in row["parity"])
    error = max(parity["logit_error_mean"] for parity in row["parity"])
    words = f"{row['status']}, {flips} decisions changed, mean logit error {error:.4f}"
    return (row["status"] != "ok", flips, error), words


def locator_table(figures: dict[str, Any]) -> str:
    """What a converted locator does, as text."""
    lines = [f"locator, {figures['parameters']:,} parameters, {figures['input_size_px']} px, held-out masks:"]
    for name, seen in {"float": figures["float"], **figures["int8"]}.items():
        masks = seen["masks"]
        shown = ("dice_grid", "iou_median", "iou_5th_percentile")
        lines.append(f"  {name:16} " + "  ".join(f"{key} {masks[key]:.4f}" for key in shown))
    for pair, seen in figures["agreement"].items():
        lines.append(f"  {pair}: same box {seen['same_box']:.1%}, within one step {seen['within_one_step']:.2%}")
    return "\n".join(lines)
