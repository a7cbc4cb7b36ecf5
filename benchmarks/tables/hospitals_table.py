"""The table of `benchmarks hospitals`. Needs no TensorFlow."""

from typing import Any


def hospitals_table(rows: list[dict[str, Any]]) -> str:
    """Markdown: AUC with its interval at each hospital."""
    sites = list(rows[0]["at"])
    lines = [
        f"| trained at | recipe | {' | '.join(f'AUC at {site.upper()}' for site in sites)} |",
        "|---|---|" + "---|" * len(sites),
    ]
    for row in rows:
        cells = " | ".join(
            f"{row['at'][site]['value']:.3f} ({row['at'][site]['low']:.3f} to {row['at'][site]['high']:.3f})"
            for site in sites
        )
        lines.append(f"| {row['trained_on'].upper().replace(' AND ', ' and ')} | {row['recipe']} | {cells} |")
    return "\n".join(lines)
