"""The groups of staff: `viewer`, `agent` and `manager`, in both services.

Their permissions are those of the setting STAFF_GROUPS, whatever was changed by hand: for anything
else, people make groups of their own. `migrate` sees to it, and so does `flush`, which a migration
would not survive.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.models import Group, Permission


def keep_groups(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """After `post_migrate` of an app has made its permissions, gives the groups theirs."""
    wanted: Mapping[str, Sequence[str]] = settings.STAFF_GROUPS
    codenames = {
        name: {
            codename
            for label, codename in (permission.split(".") for permission in permissions)
            if label == app_config.label
        }
        for name, permissions in wanted.items()
    }
    if not any(codenames.values()):
        return
    known = {
        permission.codename: permission
        for permission in Permission.objects.using(using).filter(
            content_type__app_label=app_config.label
        )
    }
    for name in wanted:
        group, _ = Group.objects.using(using).get_or_create(name=name)
        others = group.permissions.exclude(content_type__app_label=app_config.label)
        # A database on its way to an older or newer version may not have all of them yet.
        own = [known[each] for each in sorted(codenames[name]) if each in known]
        group.permissions.set([*others, *own])
