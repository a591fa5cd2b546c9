"""`relay_outbox` that looks for messages by itself only once a day. Run by `test_relay.py`."""

import os

import django
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "event_project.settings"
django.setup()

from shared.outbox import relay  # noqa: E402

relay.POLL_SECONDS = 24 * 3600.0
call_command("relay_outbox")
