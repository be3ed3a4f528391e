"""What processes tell each other, inside a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Post:
    """The words of several processes; each has an `Exchange` from here."""

    def __init__(self) -> None:
        self._hearing: list[tuple[object, Callable[[str], None]]] = []
        self.cut = False

    def exchange(self) -> _Exchange:
        """For one more process."""
        return _Exchange(self)

    def tell(self, teller: object, word: str) -> None:
        for process, hear in self._hearing:
            if process is not teller and not self.cut:
                hear(word)

    def listen(self, process: object, hear: Callable[[str], None]) -> None:
        """Have a process hear what the others tell."""
        self._hearing.append((process, hear))


class _Exchange:
    longest = 7900

    def __init__(self, post: Post) -> None:
        self._post = post

    def tell(self, words: list[str]) -> None:
        for word in words:
            self._post.tell(self, word)

    async def run(self, hear: Callable[[str], None]) -> None:
        self._post.listen(self, hear)
        await asyncio.Event().wait()
