"""The event desk."""

from event_project.events.admin.events import EventAdmin

__all__ = ["EventAdmin"]
