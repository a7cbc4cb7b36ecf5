"""Every bound on the work and the memory that one file may cost, in one place.

A bound is checked before the work that it limits begins. What no check can foresee is stopped by the limits
of the worker process, in which files are decoded that could harm the process that serves.
"""

MIB = 2**20

MAX_FILE_BYTES = 64 * MIB
MAX_PIXELS = 40_000_000  # 6,300 x 6,300; a large digital plate has about 15 million
MIN_SIDE_PX = 96
MAX_SIDE_RATIO = 4  # of the longer side to the shorter one; a film of a chest has less than 2
MAX_SCANS = 32  # of a JPEG: each is one pass over the picture; cameras and converters write 1 to 12
MAX_PAGES = 8  # of a TIFF: each page's header is read, to tell a small preview from a second film

# DICOM
MAX_INFLATED_BYTES = 2 * MAX_PIXELS + MIB  # a deflated data set: 16 bits per pixel and a header
MAX_ELEMENTS = 20_000  # with those in sequences; an X-ray machine writes 100 to 2,000
MAX_ELEMENT_BYTES = MIB  # of an element that the kit reads; a look-up table has 131,072
MAX_TEXT = 64  # characters of a text that the kit reads; a UID, the longest, has 64
MAX_FRAGMENTS = 10_000  # of a compressed picture
DECODING_BYTES_PER_PIXEL = 16  # that a decoder of compressed pictures may need, besides twice the stream
MAX_BYTES_IN_PROCESS = 16 * MIB  # a larger DICOM film is not decoded where the model needs memory too
MAX_EXCESS_BYTES = 64  # after the last pixel; more means that the header states another size

# The worker process
WORKER_MEMORY_BYTES = 1024 * MIB  # address space
WORKER_FILE_BYTES = 2 * MAX_PIXELS  # its output, and what its decoders write to standard error
WORKER_OPEN_FILES = 64
MAX_MESSAGE_BYTES = 4096
MAX_WORKERS = 3
WAIT_FOR_WORKER_S = 0.5  # then a further worker is started, because another film may take long
START_WITHIN_S = 60.0  # a Pi with a slow card
MAX_REMEMBERED = 1000  # files that stopped a worker
BASE_CPU_S, CPU_S_PER_MIB = 2.0, 1.0  # a Pi 4 decodes lossless JPEG 2000 at about 2 MiB per second
WALL_PER_CPU = 8.0  # a busy machine takes longer than the processor time


def decoding_cpu_s(file_bytes: int) -> float:
    """The processor time, in seconds, that decoding a file may take."""
    return BASE_CPU_S + CPU_S_PER_MIB * file_bytes / MIB
