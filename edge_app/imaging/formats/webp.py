"""WebP, lossy or lossless."""

from edge_app.imaging.formats.pillow import pillow_format


def is_webp(content: bytes) -> bool:
    """Whether it is a RIFF file that holds WebP."""
    return content.startswith(b"RIFF") and content[8:12] == b"WEBP"


FORMAT = pillow_format("WEBP", (".webp",), is_webp, "WebPImagePlugin")
