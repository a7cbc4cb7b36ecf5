"""The transfer syntaxes that the kit reads, and the decoder that reads each. The DICOM receiver offers the same.

Where two decoders could read a stream, the one is chosen that refuses a damaged one: GDCM ends the whole process
on some. Only lossless JPEG has no other decoder.
"""

from dataclasses import dataclass
from importlib.util import find_spec

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
UNCOMPRESSED = (EXPLICIT, IMPLICIT, BIG_ENDIAN)


@dataclass(frozen=True)
class Compression:
    """One kind of compressed stream.

    `syntaxes` are the transfer syntaxes that hold it, the first one as it is given to pydicom. `plugins` are
    pydicom's names of its decoders, each with the module that it needs, the preferred one first.
    """

    name: str
    syntaxes: tuple[str, ...]
    plugins: tuple[tuple[str, str], ...]

    def plugin(self) -> str | None:
        """The first decoder that is installed, None when none is."""
        return next((name for name, module in self.plugins if find_spec(module)), None)


RLE_LOSSLESS = Compression("RLE", (RLE,), (("pydicom", "pydicom"),))
JPEG = Compression("JPEG", ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"), (("pillow", "PIL"),))
LOSSLESS_JPEG = Compression("lossless JPEG", ("1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.57"), (("gdcm", "gdcm"),))
JPEG_LS = Compression("JPEG-LS", ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), (("pyjpegls", "jpeg_ls"),))
JPEG_2000 = Compression(
    "JPEG 2000",
    ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"),
    (("pylibjpeg", "openjpeg"), ("pillow", "PIL")),
)
HTJ2K = Compression(
    "HTJ2K",
    ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"),
    (("pylibjpeg", "openjpeg"),),
)
COMPRESSIONS = (RLE_LOSSLESS, JPEG, LOSSLESS_JPEG, JPEG_LS, JPEG_2000, HTJ2K)
EXTRA = "pip install 'cxr-edge-kit[dicom]'"


def readable_syntaxes() -> tuple[str, ...]:
    """Every transfer syntax that this device can read, the uncompressed ones first."""
    compressed = (syntax for kind in COMPRESSIONS if kind.plugin() for syntax in kind.syntaxes)
    return (*UNCOMPRESSED, DEFLATED, *compressed)
