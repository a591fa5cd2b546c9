#!/usr/bin/env python3
"""Commands of the booking service."""

from shared.manage import run

if __name__ == "__main__":
    run(settings_module="booking_project.settings")
