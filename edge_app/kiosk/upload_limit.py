"""How many films may be in the kiosk at once: a small machine must not run out of memory."""

import asyncio

FILMS_AT_ONCE = 4  # each may hold film.MAX_FILE_BYTES and its decoded pixels
FILMS_WAITING = 60


class FilmCounter:
    """Few films are held in memory at once, some wait, more are refused."""

    def __init__(self, at_once: int = FILMS_AT_ONCE, waiting: int = FILMS_WAITING) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0

    def is_full(self) -> bool:
        """Would one more be too many?"""
        return self._inside >= self._most

    async def __aenter__(self) -> None:
        """Wait for a turn; until then the film's bytes stay in the network."""
        self._inside += 1
        try:
            await self._turn.acquire()
        except BaseException:
            self._inside -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        """Give the turn to the next."""
        self._inside -= 1
        self._turn.release()
