"""Pages of the admins."""

import re

from django.contrib.auth.models import Group, User


def cells(page: str, column: str) -> list[str]:
    """The texts of a column of a list."""
    cell = rf"<td[^>]*\bfield-{column}\b[^>]*>\s*(?:<[^>]+>\s*)*([^<]*?)\s*<"
    return re.findall(cell, page)


def member(group: str) -> User:
    """Somebody who may log in to the admin, in one of the groups that `migrate` makes."""
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user
