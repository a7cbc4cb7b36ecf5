"""What a clinic runs. Needs only numpy, Pillow and one TFLite interpreter.

    from edge_app import load_predictor

    answer = load_predictor().answer(Path("film.png"))
    print(answer.decision)

`load_predictor(model)` opens a bundle, `read_film(path)` decodes one film. Both are imported on first use.
"""

from edge_app.lazy import public_names
from edge_app.version import __version__

__all__ = ["__version__", "load_predictor", "read_film"]

TYPE_CHECKING = False  # `typing` also has it, but takes longer to import than the rest of this package
if TYPE_CHECKING:
    from edge_app.imaging.film import read_film
    from edge_app.reading.predictor import load_predictor
else:
    __getattr__, __dir__ = public_names(
        __name__, {"load_predictor": "edge_app.reading.predictor", "read_film": "edge_app.imaging.film"}
    )
