"""One image of a signed result for a picture archive: film and contour above the text."""

import io
import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge_app.imaging.heatmap import COLOUR
from edge_app.model.card import ModelCard
from edge_app.reading.decision import score_points
from edge_app.workflow.case import Case

PANE_PX = 640
MARGIN_PX, TEXT_PX, LINE_PX, LINE_CHARACTERS = 24, 24, 34, 112
CONTOUR_PX = 4  # width of the line
PAPER, INK, MARK = (16, 20, 24), (240, 243, 246), (255, 220, 90)


def result_lines(case: Case, card: ModelCard) -> list[str]:
    """The result as text, in English like an archive's other entries; the reader's finding comes first.

    Args:
        case: signed, with a score.
        card: of the current model; a draft of an older model names that model.
    Raises:
        ValueError: nobody signed it.
    """
    if case.review is None:
        raise ValueError(f"record {case.id} is not signed")
    review, decision, model = case.review, case.answer.decision, case.answer.model
    phantom = ["PHANTOM MODEL: trained on drawings, for demonstration only."] if card.phantom else []
    return [
        *phantom,
        f"Finding of the reader: {review.finding}. Signed by {review.reader}, {review.at}. Record {case.id}.",
        f"Draft of the software: {decision.decision}, score {score_points(decision.p_finding)} of 100, threshold "
        f"{score_points(decision.threshold)} ({decision.operating_point}). The reader: {review.verdict}.",
        f"Software: {model.name} {model.version} ({model.sha256[:12]}). {card.intended_use}",
    ]


def result_image(case: Case, lines: list[str]) -> np.ndarray:
    """Film and contour side by side above the text; uint8 (height, width, 3).

    Args:
        case: with its film and contour still in memory.
    """
    film = Image.open(io.BytesIO(case.pictures.film_jpeg)).convert("RGB")
    film.thumbnail((PANE_PX, PANE_PX))
    mapped = film.copy()
    for points in case.pictures.contour:
        outline = [(x * film.width, y * film.height) for x, y in (*points, points[0])]
        ImageDraw.Draw(mapped).line(outline, COLOUR, CONTOUR_PX, joint="curve")
    words = [part for line in lines for part in textwrap.wrap(line, LINE_CHARACTERS)]
    width, top = 2 * PANE_PX + 3 * MARGIN_PX, film.height + 2 * MARGIN_PX
    page = Image.new("RGB", (width, top + len(words) * LINE_PX + MARGIN_PX), PAPER)
    page.paste(film, (MARGIN_PX, MARGIN_PX))
    page.paste(mapped, (PANE_PX + 2 * MARGIN_PX, MARGIN_PX))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(TEXT_PX)
    for row, line in enumerate(words):
        pen.text((MARGIN_PX, top + row * LINE_PX), line, INK, font)
    for left, upper, right, lower in case.review.regions if case.review else ():
        corners = (left * film.width, upper * film.height, right * film.width, lower * film.height)
        pen.rectangle([MARGIN_PX + corner for corner in corners], outline=MARK, width=3)
    return np.asarray(page)
