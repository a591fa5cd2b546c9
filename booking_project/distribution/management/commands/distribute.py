"""Distributes the database over the nodes of a Citus cluster."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from booking_project.distribution.errors import CannotDistribute
from booking_project.distribution.services import (
    complaints,
    distribute,
    finish,
    planned,
    require_cluster,
    waiting_tables,
)
from booking_project.distribution.sql import shards_by_node
from booking_project.distribution.tables import TABLES

SHARDS = 32
MOST_SHARDS = 1024


class Command(BaseCommand):
    help = (
        "Distribute this database by event over the nodes of its Citus cluster. Says what it will "
        "do and asks. Stop everything that uses the database before. After an interruption, run it "
        "again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what it would do")
        parser.add_argument("--yes", action="store_true", help="don't ask")
        parser.add_argument(
            "--shards",
            type=int,
            default=SHARDS,
            help=f"how many parts each table gets, at most {MOST_SHARDS}; {SHARDS} by default",
        )

    def handle(
        self, *args: Any, dry_run: bool, yes: bool, shards: int, verbosity: int, **options: Any
    ) -> None:
        if not 1 <= shards <= MOST_SHARDS:
            raise CommandError(f"--shards must be between 1 and {MOST_SHARDS}")
        try:
            nodes = require_cluster()
            tables = waiting_tables()
            if tables:
                for line in planned(tables, shards=shards, nodes=nodes):
                    self._say(line, verbosity)
                if dry_run:
                    return
                if not yes and not self._agreed():
                    raise CommandError("nothing was changed")
                distribute(tables, shards=shards)
            else:
                self._say("all tables are distributed already", verbosity)
                if dry_run:
                    return
            finish()
        except CannotDistribute as error:
            raise CommandError(str(error)) from error
        found = [*complaints()]
        for line in found:
            self.stdout.write(line)
        if found:
            raise CommandError(f"distributed, but {len(found)} things are wrong")
        for node, count in shards_by_node(TABLES[0]):
            self._say(f"{node} has {count} shards of each table", verbosity)
        self._say("distributed and verified: set BOOKING_DISTRIBUTION=citus", verbosity)

    def _say(self, line: str, verbosity: int) -> None:
        if verbosity > 0:
            self.stdout.write(line)

    def _agreed(self) -> bool:
        try:
            return input("Distribute now? [y/N] ").strip().lower() == "y"
        except EOFError:
            return False
