"""One page from the JSON that the other commands wrote: tables, plots, goals and the machine."""

import json
from html import escape
from typing import Any

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c1c1c; background: #fff }
body { max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
h1, h2, h3 { line-height: 1.2 } section { margin-top: 3rem; border-top: 1px solid #ccc }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
table { display: block; overflow-x: auto; margin: 1rem 0 }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #ddd; white-space: nowrap } th { background: #f3f3f3 }
.right { text-align: right } .left { text-align: left }
svg { max-width: 100%; height: auto } code { background: #f3f3f3 }
.quick { background: #fff1cc; padding: .5rem 1rem }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #181818 } th, code { background: #2b2b2b }
th, td { border-color: #444 } .quick { background: #4b3d10 } }
"""
QUICK = "A quick measurement with too few rounds to publish."


def page(results: dict[str, dict[str, Any]]) -> str:
    """The whole page, with nothing to fetch from anywhere."""
    from benchmarks.output.markdown import goals_table
    from benchmarks.output.markup import to_html

    goals = [goal for result in results.values() for goal in result.get("goals", [])]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>cxr-edge-kit: measured speed</title><style>{STYLE}</style></head><body>",
        "<h1>cxr-edge-kit: measured speed</h1>",
        to_html(goals_table(goals)) if goals else "",
        *(_section(name, result) for name, result in results.items()),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _section(name: str, result: dict[str, Any]) -> str:
    from benchmarks.output.markup import to_html
    from benchmarks.tables.results import markdown_of, plot_of

    device = escape(json.dumps(result["device"], indent=1))
    states = escape(json.dumps({"before": result["before"], "after": result["after"]}))
    return "\n".join(
        [
            f'<section id="{escape(name)}">',
            f'<p class="quick">{QUICK}</p>' if result["quick"] else "",
            to_html(markdown_of(result)),
            plot_of(result) or "",
            f"<p><code>{escape(result['command'])}</code>, {escape(result['created'])}, ",
            f"kit {escape(result['kit_version'])}</p>",
            f"<details><summary>the machine</summary><pre>{device}\n{states}</pre></details></section>",
        ]
    )
