"""The model card text, `MODEL_CARD.md`: every figure in it comes from `card.json`."""

from typing import Any

from edge_app.model.card import ModelCard
from edge_app.reading.decision import rule_in_words
from train.data.layouts.folders import KERMANY_ATTRIBUTION

EVALUATION_SETS = """\
"Random" is the held-out films as they are. "Shortcut-free" is the same films with resolution, sharpness,
aspect, contrast and borders drawn afresh, several times each, so that how a film was made does not give its label
away; its intervals are those of the films, whose versions are not independent. "Shortcut-swapped" is the
same films with the sharpness of the other class, "reframed" the same films zoomed until the lungs fill as much of
the film as in the other class. All of them are changed whole, before the lungs are found."""
OUT_OF_SCOPE = (
    "adults, and children over 5: two related models were at chance on adults of another country (AUC 0.48 and 0.43)",
    "newborns and children under 1: none is in the training films",
    "lateral views, films photographed from a screen or light box, CT",
    "tuberculosis, and every finding other than pneumonia",
    "choosing an antibiotic: a chest film cannot tell viral from bacterial infection reliably (PMC5922330)",
    "reading without a person who signs",
)
ELSEWHERE = """Nothing was measured there with this file. Published: a ResNet-50 trained on this set scored AUC 0.95
inside and 0.54 on another hospital's films (Xin 2021, doi 10.1007/s10140-021-01954-x). Try it on your own confirmed
cases first (`python -m edge_app calibrate`)."""
HEATMAP = "The heatmap is an output of the same file: the class map whose mean is the logits."
NO_HEATMAP = "It cannot show where the evidence lies: there is no heatmap and no contour."
OTHER_SCOPE = ("every film that is not made as its training films were", "reading without a person who signs")


def model_card_text(card: ModelCard) -> str:
    """Markdown; sections about the Guangzhou films appear only for models that were trained on them."""
    figures = card.metrics.get("judges", {})
    ours = KERMANY_ATTRIBUTION in card.data_attribution and card.is_about_pneumonia and not card.phantom
    sections = [
        f"# {card.name} {card.version}, {card.quantization}",
        f"## Intended use\n\n{card.intended_use}{_patients(card)}",
        f"## Out of scope\n\n{_list(OUT_OF_SCOPE if ours else OTHER_SCOPE)}",
        f"## What it answers\n\n{_outputs(card)}",
        f"## Data\n\n{_data(card)}",
        *([f"## Where the lungs are\n\n{_locator(card)}"] if card.locator else []),
        f"## Operating points\n\n{_points(card)}",
        f"## Validation films, this file in {card.metrics.get('runtime', 'no runtime')}\n\n{_figures(figures)}",
        f"## Each class by itself\n\n{_classes(card, figures)}",
        f"## Calibration\n\n{_calibration(card, figures)}",
    ]
    if ours:
        sections.insert(-2, EVALUATION_SETS)
        sections.append(f"## Outside the training hospital\n\n{ELSEWHERE}")
    sections.append(f"## Not checked\n\n{_list(card.not_checked)}")
    return "\n\n".join(sections) + "\n"


def _patients(card: ModelCard) -> str:
    """The stated ages and population; cards before 0.5.0 state none."""
    ages, population = card.training.get("age_range_years"), card.training.get("population")
    told = f"\n\nAges: {ages[0]} to {ages[1]} completed years; the device refuses other patients." if ages else ""
    return told + (f"\n\nPopulation: {population}" if population else "")


def _list(items: tuple[str, ...]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _outputs(card: ModelCard) -> str:
    return (
        f"One {'lung field' if card.locator else 'film'}, {card.input_size_px} x {card.input_size_px} gray. "
        f"Classes: {', '.join(card.labels)}. "
        f"{rule_in_words(card)} {HEATMAP if card.class_map else NO_HEATMAP}"
    )


def _data(card: ModelCard) -> str:
    training = card.training
    if own := training.get("own_network"):
        return (
            f"{card.data_attribution} ({card.data_licence}): the films that it was measured on. The network was not "
            f"trained by this kit, but read from {own['file']}, for pixels of {own['scale']}; whether it was trained "
            "on these films is not known. Thresholds and temperature were chosen on the validation part of the "
            f"manifest {training.get('manifest_sha256', 'unknown')}."
        )
    return (
        f"{card.data_attribution} ({card.data_licence}). Films were cut into parts by patient; the cut is the manifest "
        f"{training.get('manifest_sha256', 'unknown')}. Seed {training.get('seed', 'unknown')}, at most "
        f"{training.get('epochs', 'unknown')} epochs; weights, thresholds and temperature were chosen on the "
        "validation films."
    )


def _locator(card: ModelCard) -> str:
    locator = card.locator
    text = (
        f"Films are cropped to the lungs before they are scored. The network that finds them comes in this file "
        f"({locator['input_size_px']} px, SHA-256 {locator['sha256'][:12]})."
    )
    if masks := locator.get("card"):
        text += (
            f" On {masks['films']:.0f} held-out masks its Dice is {masks['dice_grid']:.4f}, and the IoU of its box "
            f"{masks['iou_median']:.4f} in the median, {masks['iou_5th_percentile']:.4f} at the 5th percentile (float)."
        )
    if locator.get("masks_attribution"):
        text += f" It learned from the lung masks of {locator['masks_attribution']} ({locator['masks_licence']})."
    return text


def _points(card: ModelCard) -> str:
    rows = "\n".join(
        f"| {name}{' (default)' if name == card.default_operating_point else ''} | {point.threshold:.3f} | "
        f"{point.recall.percent()} | {point.specificity.percent()} |"
        for name, point in card.operating_points.items()
    )
    return (
        "Chosen on validation films, and measured on the very same: somewhat flattering. These are no test figures.\n\n"
        f"| name | threshold on P({card.finding}) | recall (95% interval) | specificity (95% interval) |\n"
        f"|---|---|---|---|\n{rows}"
    )


def _figures(figures: dict[str, Any]) -> str:
    lines = ["| evaluation set | films | AUC | accuracy | recall | specificity |", "|---|---|---|---|---|---|"]
    for name, found in figures.items():
        cells = (_interval(found[key]) for key in ("auc", "accuracy", "recall", "specificity"))
        lines.append(f"| {name} | {found['films']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _classes(card: ModelCard, figures: dict[str, Any]) -> str:
    """How many films of each class get that class: the most likely one, without the threshold."""
    heads = " | ".join(f"recall of {label}" for label in card.labels)
    lines = [f"| evaluation set | accuracy | macro AUC | {heads} |", "|---|---|---|" + "---|" * len(card.labels)]
    for name, found in figures.items():
        cells = " | ".join(_interval(found["class_recall"][label]) for label in card.labels)
        lines.append(f"| {name} | {_interval(found['class_accuracy'])} | {found['class_auc']:.4f} | {cells} |")
    return "\n".join(lines)


def _calibration(card: ModelCard, figures: dict[str, Any]) -> str:
    lines = ["| evaluation set | expected calibration error, 10 bins | Brier score |", "|---|---|---|"]
    lines += [
        f"| {name} | {found['calibration_error']:.4f} | {found['brier']:.4f} |" for name, found in figures.items()
    ]
    return f"Of P({card.finding}), after division of the logits by {card.temperature:.3f}.\n\n" + "\n".join(lines)


def _interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} ({figure['low']:.4f} to {figure['high']:.4f})"
