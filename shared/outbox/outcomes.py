"""What becomes of entries when not all of their messages could be published."""

import logging
from collections.abc import Iterable, Iterator, Sequence

from django.db.models.functions import Now

from shared.formats.text import printable
from shared.messaging.errors import NotPublished, Unpublishable, Unroutable
from shared.observability.request_id import bound, request_id
from shared.outbox.lines import read_line, request_id_in
from shared.outbox.models import OutboxEntry
from shared.outbox.sql import PendingEntry, mark_published

logger = logging.getLogger(__name__)


def store_outcomes(entries: Sequence[PendingEntry], outcomes: Iterable[NotPublished | None]) -> int:
    """Mark, set aside or keep each message. Returns how many are marked as published.

    What follows a kept message of its ordering key is kept, too: it is published again after it.
    """
    remaining = iter(outcomes)
    held_back: set[str] = set()
    return sum(_store(_Sorted(entry, remaining, held_back)) for entry in entries)


class _Sorted:
    """The lines of an entry, by what becomes of them."""

    def __init__(
        self,
        entry: PendingEntry,
        outcomes: Iterator[NotPublished | None],
        held_back: set[str],
    ) -> None:
        self.entry = entry
        self.published: list[str] = []
        self.kept: list[str] = []
        self.set_aside: list[tuple[str, NotPublished]] = []
        self.unroutable: Unroutable | None = None
        for line, outcome in zip(entry.messages.split("\n"), outcomes, strict=False):
            self._sort(line, outcome, held_back)

    def _sort(self, line: str, outcome: NotPublished | None, held_back: set[str]) -> None:
        given_up = isinstance(outcome, Unroutable) and self.entry.waited_long
        if given_up or isinstance(outcome, Unpublishable):
            assert outcome is not None
            self.set_aside.append((line, outcome))
            return
        key = read_line(line).ordering_key
        if outcome is None and key not in held_back:
            self.published.append(line)
            return
        self.kept.append(line)
        held_back.add(key)
        if isinstance(outcome, Unroutable):
            self.unroutable = self.unroutable or outcome


def _store(lines: _Sorted) -> int:
    entry = OutboxEntry.objects.filter(
        pk=lines.entry.id, distribution_key=lines.entry.distribution_key
    )
    if not lines.kept and not lines.set_aside:
        mark_published([lines.entry])
        return len(lines.published)
    if lines.published:
        _split_off(lines.entry, lines.published, published_at=Now())
    for line, failure in lines.set_aside:
        _split_off(lines.entry, [line], set_aside_at=Now(), failure=printable(failure))
        with bound(request_id_in(line) or request_id.get()):
            logger.error("message %s is set aside: %s", printable(_name(line)), failure)
    if not lines.kept:
        entry.delete()
    elif lines.published or lines.set_aside:
        entry.update(size=len(lines.kept), messages="\n".join(lines.kept))
    if lines.unroutable is not None:
        entry.filter(unroutable_since__isnull=True).update(
            unroutable_since=Now(), failure=printable(lines.unroutable)
        )
    return len(lines.published)


def _split_off(entry: PendingEntry, lines: Sequence[str], **columns: object) -> None:
    OutboxEntry.objects.create(
        distribution_key=entry.distribution_key,
        exchange=entry.exchange,
        size=len(lines),
        messages="\n".join(lines),
        created_at=entry.created_at,
        **columns,
    )


def _name(line: str) -> str:
    """Routing key and id, if the line has them."""
    return " ".join(reversed(line.split("\t")[:2]))
