"""TIFF, of 8, 16 or 32 bits."""

from edge_app.imaging.formats.pillow import pillow_format

# Both byte orders, the two wrong ways in which some programs write them, and BigTIFF, as in Pillow.
STARTS = (b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+")

FORMAT = pillow_format("TIFF", (".tif", ".tiff"), lambda content: content.startswith(STARTS), "TiffImagePlugin")
