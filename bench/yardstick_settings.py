"""The booking service exactly as in production, plus an empty view to compare it with."""

from booking_project.settings import *  # noqa: F403

ROOT_URLCONF = "bench.yardstick_urls"
