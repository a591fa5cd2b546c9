"""Answers that all viewers of a page in this process share. No decision rests on them."""

import time
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

from booking_project.bookings.domain.errors import EventNotFound
from booking_project.bookings.storage.loaders import Loader

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

MOST_KEPT = 64


class Shared(Generic[Key, Answer]):
    """`read` is called at most once in `seconds` for each key, however many viewers ask.

    It returns None for an event that doesn't exist. Only `MOST_KEPT` answers are kept: whoever asks
    for many different ones pays a query for each.
    """

    def __init__(self, read: Callable[[Key], Answer | None], *, seconds: float) -> None:
        self._read_one = read
        self._seconds = seconds
        self._kept: dict[Key, tuple[float, Answer]] = {}
        self._loader: Loader[Key, Answer] = Loader(self._read, missing=EventNotFound)

    def get(self, key: Key) -> Answer:
        """Raises `EventNotFound` and `TryAgainLater`."""
        kept = self._fresh(key)
        return self._loader.load(key) if kept is None else kept

    def known(self, key: Key) -> Answer | None:
        """The latest answer, however old it is; None if there is none."""
        kept = self._kept.get(key)
        return kept[1] if kept else None

    def _fresh(self, key: Key) -> Answer | None:
        kept = self._kept.get(key)
        return kept[1] if kept and time.monotonic() - kept[0] < self._seconds else None

    def _read(self, keys: Collection[Key]) -> dict[Key, Answer]:
        """Called by one thread at a time. Those that came while it read ask for the same again."""
        answers = {}
        for key in keys:
            answer = self._fresh(key)
            if answer is None:
                answer = self._read_one(key)
                if answer is not None:
                    self._keep(key, answer)
            if answer is not None:
                answers[key] = answer
        return answers

    def _keep(self, key: Key, answer: Answer) -> None:
        self._kept.pop(key, None)
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (time.monotonic(), answer)
