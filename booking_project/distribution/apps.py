from django.apps import AppConfig


class DistributionConfig(AppConfig):
    name = "booking_project.distribution"
