"""Limits how many films the kiosk holds at once, so that a small machine does not run out of memory."""

import asyncio

FILMS_AT_ONCE = 4  # each holds up to film.MAX_FILE_BYTES and its decoded pixels
FILMS_WAITING = 60


class UploadLimit:
    """A few films are held in memory at once, some wait, further ones are refused."""

    def __init__(self, at_once: int = FILMS_AT_ONCE, waiting: int = FILMS_WAITING) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0

    def is_full(self) -> bool:
        """Whether a further film would be refused."""
        return self._inside >= self._most

    async def __aenter__(self) -> None:
        """Wait for a place; until then the film's bytes are not read from the network."""
        self._inside += 1
        try:
            await self._turn.acquire()
        except BaseException:
            self._inside -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        """Free the place."""
        self._inside -= 1
        self._turn.release()
