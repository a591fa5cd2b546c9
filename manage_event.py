#!/usr/bin/env python3
"""Commands of the event service."""

from shared.commands.entry import run

if __name__ == "__main__":
    run(settings_module="event_project.settings")
