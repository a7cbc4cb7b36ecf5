"""What `benchmarks occlusion` found, as text."""

from typing import Any

from edge_app.model.estimate import Estimate


def occlusion_table(found: dict[str, Any]) -> str:
    """Markdown: one line per view, then where the class map finds pneumonia."""
    lines = ["| validation films | AUC | decisions changed |", "|---|---|---|"]
    for name, view in found["views"].items():
        auc, share = view["auc"], Estimate(**view["share_changed"])
        lines.append(f"| {name} | {auc['value']:.4f} ({auc['low']:.4f} to {auc['high']:.4f}) | {share.percent()} |")
    lines += [
        "",
        f"The frame is {100 * found['frame_area']:.1f}% of the class map and holds "
        f"{Estimate(**found['frame_evidence']).percent()} of its evidence for pneumonia: "
        f"the median over those of {found['films']} films that are called pneumonia.",
    ]
    return "\n".join(lines) + "\n"
