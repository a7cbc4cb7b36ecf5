"""Reading a ZIP that nobody vouches for: sizes are read before contents, and hold while a member is unpacked."""

import io
import struct
import zipfile

END = struct.Struct("<4s4H2LH")  # the end of a ZIP without a comment (APPNOTE.TXT 4.3.16)
MAX_DIRECTORY_BYTES = 16 * 2**10  # for over a hundred members


def open_zip(content: bytes) -> zipfile.ZipFile:
    """Open a ZIP, also one that is appended to a model, whose directory is small.

    Raises:
        BadZipFile: there is none, or one of another form than `convert` writes.
    """
    end = content[-END.size :]
    # A locator of 64-bit records in front of the end would give the directory another size.
    if not end.startswith(b"PK\x05\x06") or len(end) < END.size or content[-END.size - 20 :].startswith(b"PK\x06\x07"):
        raise zipfile.BadZipFile("no plain ZIP")
    directory_bytes, _, comment_bytes = END.unpack(end)[5:]
    if comment_bytes or directory_bytes > MAX_DIRECTORY_BYTES:
        raise zipfile.BadZipFile(f"a directory of {directory_bytes} bytes, expected at most {MAX_DIRECTORY_BYTES}")
    return zipfile.ZipFile(io.BytesIO(content))


def unpacked(content: bytes, most_bytes: int) -> dict[str, bytes]:
    """All members by name.

    Raises:
        BadZipFile: as `open_zip`.
        ValueError: they are larger than `most_bytes` together, packed in a way that has no bound, or damaged.
    """
    with open_zip(content) as archive:
        entries = archive.infolist()
        methods, size = {entry.compress_type for entry in entries}, sum(entry.file_size for entry in entries)
        if size > most_bytes or not methods <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError(
                f"it unpacks to {size} bytes by methods {methods}, expected at most {most_bytes} by 0 or 8"
            )
        # A read with a size ends there, whatever the header promised.
        return {entry.filename: archive.open(entry).read(entry.file_size) for entry in entries}
