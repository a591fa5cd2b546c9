from django.apps import AppConfig


class TimesConfig(AppConfig):
    name = "shared.times"
