"""A decoded picture's own memory, without a copy.

`np.asarray` copies a picture twice, and fresh memory takes longer than its bytes. Pillow lends its own through
Arrow's C data interface (`Image.__arrow_c_array__`, https://arrow.apache.org/docs/format/CDataInterface.html),
which needs a few lines and no other library.
"""

import ctypes

import numpy as np
from PIL import Image

SIXTEEN_BITS = (b"s", b"S")  # as Arrow writes them; Pillow says "signed" and means the bits


class _ArrowArray(ctypes.Structure):
    """`struct ArrowArray`; the fields after `buffers` are Pillow's own business."""

    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    )


_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype, _pointer_of.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


def lent_values(image: Image.Image) -> np.ndarray | None:
    """The values of a decoded picture of 16 bits.

    Returns:
        uint16, shape (height, width), read-only; the picture lives as long as they do. None where Pillow cannot
        lend them: another mode, a Pillow before 11.2, a picture that wraps other memory (which crashes Pillow
        12.3), or one of more than a block of Pillow's memory, which has 16 MiB.
    """
    if image.mode != "I;16" or image.readonly:
        return None
    try:
        schema, capsule = image.__arrow_c_array__()
    except (AttributeError, ValueError):
        return None
    kind = ctypes.c_char_p.from_address(_pointer_of(schema, b"arrow_schema")).value  # a schema begins with it
    array = _ArrowArray.from_address(_pointer_of(capsule, b"arrow_array"))
    width, height = image.size
    if kind not in SIXTEEN_BITS or array.length != width * height or array.offset or array.n_buffers != 2:
        return None
    first_value = array.buffers[1]
    if not first_value:
        return None
    memory = (ctypes.c_uint16 * array.length).from_address(first_value)
    memory.lender = capsule  # gives the memory back when the last view of it is gone
    values = np.frombuffer(memory, "<u2").reshape(height, width)
    values.flags.writeable = False
    return values
