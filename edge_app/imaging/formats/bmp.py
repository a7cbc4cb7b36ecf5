"""BMP, the Windows bitmap."""

from edge_app.imaging.formats.pillow import pillow_format

FORMAT = pillow_format("BMP", (".bmp",), lambda content: content.startswith(b"BM"), "BmpImagePlugin")
