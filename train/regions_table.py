"""What `train regions` found, for people."""

from typing import Any


def regions_table(found: dict[str, Any]) -> str:
    """Markdown: one line a view, then where the class map finds pneumonia."""
    lines = ["| validation films | AUC | decisions changed |", "|---|---|---|"]
    for name, view in found["views"].items():
        auc, share = view["auc"], view["share_changed"]
        lines.append(
            f"| {name} | {auc['value']:.4f} ({auc['low']:.4f} to {auc['high']:.4f}) | "
            f"{_percent(share['value'])} ({_percent(share['low'])} to {_percent(share['high'])}) |"
        )
    share = found["frame_evidence"]
    lines += [
        "",
        f"The frame is {_percent(found['frame_area'])} of the class map. Of what speaks for pneumonia there, "
        f"{_percent(share['value'])} ({_percent(share['low'])} to {_percent(share['high'])}) lies in the frame: "
        f"median over the films that are called pneumonia, of {found['films']}.",
    ]
    return "\n".join(lines) + "\n"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
