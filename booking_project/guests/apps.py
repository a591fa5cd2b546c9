from django.apps import AppConfig


class GuestsConfig(AppConfig):
    name = "booking_project.guests"
