"""Which files are decoded where: one rule.

`read_film_safely`, for commands that read what they were given and end, sends to a worker what
`FilmFormat.is_safe` does not vouch for. What serves for weeks (the kiosk, `watch`) sends every film:
`read_in_worker`. The pool is imported when it is first needed: `predict` starts sooner without it.
"""

import os
from pathlib import Path

from edge_app.imaging.film import content_of, format_of, read_film
from edge_app.imaging.formats.base import Film

HAS_WORKERS = os.name == "posix"  # elsewhere a descriptor cannot be handed to another process


def read_in_worker(source: Path | bytes, min_side_px: int | None = None) -> Film:
    """Decode one film where it can be stopped; arguments and errors as `read_film`."""
    if not HAS_WORKERS:
        return read_film(source, min_side_px)
    from edge_app.imaging.decoder.pool import shared_pool

    return shared_pool().read(source, min_side_px)


def read_film_safely(source: Path | bytes, min_side_px: int | None = None) -> Film:
    """Decode one film, in a worker unless its format vouches for it; arguments and errors as `read_film`."""
    content = content_of(source)
    if format_of(content).is_safe(content):
        return read_film(content, min_side_px)
    return read_in_worker(content, min_side_px)


def warm_up() -> None:
    """Start a worker now, so that the first film need not wait for it.

    Raises:
        OSError: the system cannot start a process.
    """
    if HAS_WORKERS:
        from edge_app.imaging.decoder.pool import shared_pool

        shared_pool().warm_up()
