"""Damaging files on purpose, the same way for the same seed."""

import zlib

import numpy as np


def mutated(content: bytes, random: np.random.Generator) -> bytes:
    """One damaged file: flipped, cut, lost, doubled or overwritten bytes."""
    damage = random.choice([_flipped, _header_flipped, _truncated, _cut_out, _doubled, _overwritten, _extended])
    return damage(bytearray(content), random)


def with_right_png_sums(content: bytes) -> bytes:
    """Correct the checksums of a damaged PNG, so that the damage reaches the decoder."""
    fixed, at = bytearray(content), 8
    while at + 12 <= len(fixed):
        length = int.from_bytes(fixed[at : at + 4], "big")
        if at + 12 + length > len(fixed):
            break
        fixed[at + 8 + length : at + 12 + length] = zlib.crc32(fixed[at + 4 : at + 8 + length]).to_bytes(4, "big")
        at += 12 + length
    return bytes(fixed)


def _flipped(content: bytearray, random: np.random.Generator) -> bytes:
    for at in random.integers(0, len(content), random.integers(1, 9)):
        content[at] ^= 1 << int(random.integers(8))
    return bytes(content)


def _header_flipped(content: bytearray, random: np.random.Generator) -> bytes:
    """Sizes, counts and offsets stand in the first bytes of most formats."""
    for at in random.integers(0, min(200, len(content)), random.integers(1, 5)):
        content[at] = int(random.choice([0, 1, 0x7F, 0x80, 0xFF, random.integers(256)]))
    return bytes(content)


def _truncated(content: bytearray, random: np.random.Generator) -> bytes:
    return bytes(content[: random.integers(0, len(content))])


def _cut_out(content: bytearray, random: np.random.Generator) -> bytes:
    start, end = sorted(random.integers(0, len(content), 2))
    return bytes(content[:start] + content[end:])


def _doubled(content: bytearray, random: np.random.Generator) -> bytes:
    start, end = sorted(random.integers(0, len(content), 2))
    return bytes(content[:end] + content[start:])


def _overwritten(content: bytearray, random: np.random.Generator) -> bytes:
    start = int(random.integers(0, len(content)))
    length = min(int(random.integers(1, 600)), len(content) - start)
    content[start : start + length] = random.bytes(length) if random.random() < 0.5 else bytes(length)
    return bytes(content)


def _extended(content: bytearray, random: np.random.Generator) -> bytes:
    return bytes(content) + random.bytes(int(random.integers(1, 600)))
