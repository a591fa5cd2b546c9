import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction


class Command(BaseCommand):
    help = "Makes somebody who may log in to the admin as a member of a group."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="the password is the first line of the input")
        parser.add_argument("--group", required=True, help="viewer, agent, manager or your own")

    def handle(self, *args: Any, username: str, group: str, **options: Any) -> None:
        """The password is the first line of the standard input: arguments are seen by all users of
        a machine."""
        password = sys.stdin.readline().rstrip("\n")
        found = Group.objects.filter(name=group).first()
        if found is None:
            raise CommandError(f"there is no group {group!r}")
        if User.objects.filter(username=username).exists():
            raise CommandError(f"there is a user {username!r} already")
        try:
            validate_password(password, User(username=username))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        with transaction.atomic():
            user = User.objects.create_user(username, password=password, is_staff=True)
            user.groups.add(found)
        self.stdout.write(f"made {username!r}, in the group {group!r}")
