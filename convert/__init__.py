"""Bundles from float models, and the gates that refuse a bad one.

    from convert import ConvertOptions, convert

    rows = convert(ConvertOptions(model=Path("runs/fit/model.keras"), out=Path("runs/convert"), data="phantom"))
    print([(row["format"], row["status"], row["path"]) for row in rows])

Both are imported on first use, and TensorFlow with them.
"""

from edge_app.lazy import public_names

__all__ = ["ConvertOptions", "convert"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from convert.conversion import convert
    from convert.options import ConvertOptions
else:
    __getattr__, __dir__ = public_names(
        __name__, {"ConvertOptions": "convert.options", "convert": "convert.conversion"}
    )
