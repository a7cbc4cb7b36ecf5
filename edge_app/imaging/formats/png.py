"""PNG, of 8 or 16 bits."""

from edge_app.imaging.formats.pillow import pillow_format

START = b"\x89PNG\r\n\x1a\n"

FORMAT = pillow_format(
    "PNG",
    (".png",),
    lambda content: content.startswith(START),
    "PngImagePlugin",
    is_safe=lambda _: True,  # the size is checked first, and Pillow limits the text
)
