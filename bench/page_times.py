"""Times the pages of one service inside this process, as its server does without HTTP:
`python -m bench.page_times SERVICE ROUNDS`, with its settings and database in the environment.
"""

import logging
import sys
import time
from statistics import median

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

EVENT_DESK = "/admin/events/event/"
EVENTS = "/admin/bookings/event/"
BOOKINGS = "/admin/bookings/booking/"
PAGES = {
    "event": {
        "event desk: overview": "/admin/",
        "event desk: events": EVENT_DESK,
        "event desk: search": f"{EVENT_DESK}?q=Concert+77",
        "event desk: an event": f"{EVENT_DESK}7/change/",
        "event desk: new event": f"{EVENT_DESK}add/",
    },
    "booking": {
        "booking desk: overview": "/admin/",
        "booking desk: events": EVENTS,
        "booking desk: an event": f"{EVENTS}7/change/",
        "booking desk: bookings": BOOKINGS,
        "booking desk: bookings, last page": f"{BOOKINGS}?p=560",
        "booking desk: bookings of an event": f"{BOOKINGS}?event__id__exact=7",
        "booking desk: waitlist": f"{BOOKINGS}?event__id__exact=7&status__exact=waitlisted",
        "booking desk: search": f"{BOOKINGS}?q=user-2799",
        "booking desk: a booking": f"{BOOKINGS}2206/change/",
        "booking desk: cancel": f"{BOOKINGS}2206/cancel/",
        "booking desk: book for a guest": f"{BOOKINGS}book/?event=7",
        "booking desk: mails": "/admin/notifications/notification/",
        "guests: events": "/",
        "guests: an event": "/events/7",
        "guests: book": "/events/7/book",
        "guests: live page": "/events/7/live",
    },
}


def main(service: str, rounds: int) -> None:
    django.setup()
    logging.disable(logging.WARNING)
    settings.ALLOWED_HOSTS = ["*"]
    organiser = Client(headers={"accept": "text/html"})
    organiser.force_login(get_user_model().objects.create_superuser("organiser"))
    guest = Client(headers={"accept": "text/html"})
    for name, path in PAGES[service].items():
        _print(name, path, guest if name.startswith("guests") else organiser, rounds)


def _print(name: str, path: str, client: Client, rounds: int) -> None:
    _get(client, path)  # the first imports and compiles templates
    with CaptureQueriesContext(connection) as queries:
        _get(client, path)
    count = len(queries)  # the next request forgets them
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        _get(client, path)
        times.append((time.perf_counter() - began) * 1000)
    print(f"{name:34}{median(times):10.1f}{max(times):10.1f}{count:9}", flush=True)


def _get(client: Client, path: str) -> None:
    response = client.get(path)
    if response.status_code != 200:
        raise SystemExit(f"{path}: {response.status_code}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
