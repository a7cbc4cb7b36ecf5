"""One picture of a signed result for a picture archive: film, heatmap, and the words below."""

import io
import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge_app.kiosk.views import points
from edge_app.model.card import ModelCard
from edge_app.workflow.recent_cases import Slip

PANE_PX = 640
MARGIN_PX, TEXT_PX, LINE_PX, LINE_CHARACTERS = 24, 24, 34, 112
PAPER, INK, MARK = (16, 20, 24), (240, 243, 246), (255, 220, 90)


def result_lines(slip: Slip, card: ModelCard, model: dict[str, str]) -> list[str]:
    """The result in words, English as an archive's other entries; the reader's finding first.

    Args:
        slip: signed, with an answer.
        model: the model that made the draft, which need not be today's.
    Raises:
        ValueError: nobody signed it.
    """
    review, given = slip.review, slip.answer
    if review is None or given is None:
        raise ValueError(f"record {slip.id} is not signed")
    phantom = ["PHANTOM MODEL: trained on drawings, for demonstration only."] if card.phantom else []
    return [
        *phantom,
        f"Finding of the reader: {review.finding}. Signed by {review.reader}, {review.at}. Record {slip.id}.",
        f"Draft of the software: {given['decision']}, score {points(given['p_pneumonia'])} of 100, threshold "
        f"{points(given['threshold'])} ({given['operating_point']}). The reader: {review.verdict}.",
        f"Software: {model['name']} {model['version']} ({model['sha256'][:12]}). {card.intended_use}",
    ]


def result_sheet(slip: Slip, lines: list[str]) -> np.ndarray:
    """Film and heatmap side by side over the words; uint8 (height, width, 3).

    Args:
        slip: with its film and heatmap still in memory.
    """
    film = Image.open(io.BytesIO(slip.film_jpeg)).convert("RGB")
    film.thumbnail((PANE_PX, PANE_PX))
    heat = Image.open(io.BytesIO(slip.heat_png)).resize(film.size)
    mapped = Image.alpha_composite(film.convert("RGBA"), heat).convert("RGB")
    words = [part for line in lines for part in textwrap.wrap(line, LINE_CHARACTERS)]
    width, top = 2 * PANE_PX + 3 * MARGIN_PX, film.height + 2 * MARGIN_PX
    sheet = Image.new("RGB", (width, top + len(words) * LINE_PX + MARGIN_PX), PAPER)
    sheet.paste(film, (MARGIN_PX, MARGIN_PX))
    sheet.paste(mapped, (PANE_PX + 2 * MARGIN_PX, MARGIN_PX))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT_PX)
    for row, line in enumerate(words):
        pen.text((MARGIN_PX, top + row * LINE_PX), line, INK, font)
    if slip.review and slip.review.region:
        left, upper, right, lower = slip.review.region
        corners = (left * film.width, upper * film.height, right * film.width, lower * film.height)
        pen.rectangle([MARGIN_PX + corner for corner in corners], outline=MARK, width=3)
    return np.asarray(sheet)
