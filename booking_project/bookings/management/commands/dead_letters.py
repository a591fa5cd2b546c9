"""Shows messages that could not be processed, and decides what happens to them."""

from collections.abc import Callable, Collection
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shared.formats.text import printable
from shared.messaging.dead_letters import (
    DeadLetter,
    UnknownDeadLetters,
    dead_letters,
    drop,
    replay,
)
from shared.messaging.errors import NotPublished
from shared.messaging.topology import EVENTS_QUEUE, NOTIFICATIONS_QUEUE, Queue

_LONGEST_SHOWN = 64 * 1024
_QUEUES = {"events": EVENTS_QUEUE, "notifications": NOTIFICATIONS_QUEUE}


class Command(BaseCommand):
    help = "List, show, replay or drop the messages that could not be processed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queue",
            choices=_QUEUES,
            default="events",
            help="whose dead letters (default: events)",
        )
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="id, type, time and reason of each")
        show = actions.add_parser("show", help="headers and body")
        show.add_argument("ids", nargs="+", metavar="id")
        for name, text in (
            ("replay", "send back to the queue, once the cause is mended"),
            ("drop", "throw away, for good"),
        ):
            action = actions.add_parser(name, help=text)
            which = action.add_mutually_exclusive_group(required=True)
            which.add_argument("ids", nargs="*", metavar="id", default=[])
            which.add_argument("--all", action="store_true", dest="everything")

    def handle(
        self,
        *args: Any,
        queue: str,
        action: str,
        ids: Collection[str] = (),
        everything: bool = False,
        **options: Any,
    ) -> None:
        actions: dict[str, Callable[[Queue, Collection[str] | None], None]] = {
            "list": self._list,
            "show": self._show,
            "replay": self._replay,
            "drop": self._drop,
        }
        try:
            actions[action](_QUEUES[queue], None if everything else ids)
        except (UnknownDeadLetters, NotPublished) as error:
            raise CommandError(str(error)) from error

    def _list(self, queue: Queue, ids: Collection[str] | None) -> None:
        found = _found(queue)
        for letter in found:
            self.stdout.write(
                f"{letter.id}  {letter.type or '-'}  {_time(letter)}  {letter.reason}"
            )
        self.stdout.write(f"{len(found)} dead letters in {queue.dead_letter_queue}")

    def _show(self, queue: Queue, ids: Collection[str] | None) -> None:
        found = [letter for letter in _found(queue) if letter.id in (ids or ())]
        unknown = set(ids or ()) - {letter.id for letter in found}
        if unknown:
            raise UnknownDeadLetters(unknown)
        for letter in found:
            self.stdout.write(f"id: {letter.id}\ntype: {letter.type}\nsent: {_time(letter)}")
            self.stdout.write(f"reason: {letter.reason}")
            for name, value in letter.headers.items():
                self.stdout.write(f"header {printable(name)}: {printable(value)}")
            self.stdout.write(_body(letter))

    def _replay(self, queue: Queue, ids: Collection[str] | None) -> None:
        count = replay(url=settings.RABBITMQ_URL, queue=queue, ids=ids)
        self.stdout.write(f"sent {count} back to {queue.name}")

    def _drop(self, queue: Queue, ids: Collection[str] | None) -> None:
        count = drop(url=settings.RABBITMQ_URL, queue=queue, ids=ids)
        self.stdout.write(f"dropped {count} of {queue.dead_letter_queue}")


def _found(queue: Queue) -> list[DeadLetter]:
    return dead_letters(url=settings.RABBITMQ_URL, queue=queue)


def _body(letter: DeadLetter) -> str:
    """Each line is indented, so that it can't be mistaken for the command's own output."""
    shown = letter.body[:_LONGEST_SHOWN]
    lines = [f"  {printable(line, limit=_LONGEST_SHOWN)}" for line in shown.split(b"\n")]
    if left := len(letter.body) - len(shown):
        lines.append(f"({left} bytes more)")
    return "\n".join([*lines, ""])


def _time(letter: DeadLetter) -> str:
    return letter.sent_at.isoformat() if letter.sent_at else "-"
