"""DICOM films for tests, written with pydicom, and other files that are hard to read."""

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

LITTLE, BIG = ExplicitVRLittleEndian, ExplicitVRBigEndian


def dicom_bytes(pixels, bits_stored=None, syntax=LITTLE, **elements) -> bytes:
    """A DX file of a chest; `elements` are added or replaced by keyword, None leaves one out."""
    pixels = np.asarray(pixels)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = (
        LITTLE if syntax in (RLELossless, JPEGLSLossless, JPEG2000Lossless) else syntax
    )
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "12345"
    dataset.Modality, dataset.BodyPartExamined = "DX", "CHEST"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored = bits_stored or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    order = ">" if syntax == BIG else "<"
    content = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    dataset.PixelData = content + b"\0" * (len(content) % 2)
    dataset["PixelData"].VR = "OW"
    for name, value in elements.items():
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)
    if dataset.file_meta.TransferSyntaxUID != syntax:
        dataset.compress(syntax, generate_instance_uid=False)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def a_lut(first: int, bits: int, entries: list[int]) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "US", [len(entries), first, bits])
    item.add_new(0x00283006, "US", entries)
    item.add_new(0x00283004, "LO", "US")
    return item


def encapsulated(stream: bytes, pixels, syntax, **elements) -> bytes:
    """A DX file whose picture is this compressed stream, and whose header is that of `pixels`."""
    return dicom_bytes(pixels, syntax=syntax, PixelData=encapsulate([stream]), **elements)


def picture_bytes(pixels, kind: str, **options) -> bytes:
    """The bytes of a picture as Pillow saves it."""
    content = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(content, kind, **options)
    return content.getvalue()


def many_scans(scans: int = 20_000) -> bytes:
    """A progressive JPEG of 512 pixels whose last scan is repeated: each is one pass over the picture."""
    content = picture_bytes(np.full((512, 512), 128, np.uint8), "JPEG", progressive=True)
    _, *parts = content.split(b"\xff\xda")
    last = b"\xff\xda" + parts[-1].removesuffix(b"\xff\xd9")
    return content.removesuffix(b"\xff\xd9") + last * (scans - len(parts)) + b"\xff\xd9"


def many_elements(count: int = 1_000_000) -> bytes:
    """A DICOM file of tiny private elements before its picture, in a sequence without a length."""
    film = dicom_bytes(np.arange(200 * 200, dtype=np.uint16).reshape(200, 200))
    at = film.index(b"\xe0\x7f\x10\x00")
    sequence = b"\x11\x00\x10\x10SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    elements = b"".join(b"\x11\x00" + bytes([n % 250, 16]) + b"CS\x02\x00A " for n in range(count))
    end = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return film[:at] + sequence + elements + end + film[at:]


def deflated_bomb(mib: int = 300) -> bytes:
    """A deflated DICOM file of 300 KB that swells a thousandfold."""
    plain = dicom_bytes(np.arange(200 * 200, dtype=np.uint16).reshape(200, 200))
    head = plain[: plain.index(b"\x08\x00\x16\x00")].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    length = int.from_bytes(head[140:144], "little") + 2
    at = head.index(b"\x02\x00\x10\x00UI") + 6
    head = head[:140] + length.to_bytes(4, "little") + head[144:at] + (22).to_bytes(2, "little") + head[at + 2 :]
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    body = deflate.compress(plain[plain.index(b"\x08\x00\x16\x00") :])
    chunk = bytes(2**20)
    body += b"".join(deflate.compress(chunk) for _ in range(mib))
    return head + body + deflate.flush()


def lossless_jpeg(plain: bytes, folder: Path) -> bytes:
    """The same film in lossless JPEG, as GDCM writes it."""
    import gdcm

    (folder / "plain.dcm").write_bytes(plain)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(folder / "plain.dcm"))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(folder / "packed.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return (folder / "packed.dcm").read_bytes()
