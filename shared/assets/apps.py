from django.contrib.staticfiles.apps import StaticFilesConfig


class AssetsConfig(StaticFilesConfig):
    """Django's app of static files, which collects no source maps: only debuggers ask for them, and
    they are most of the bytes."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "*.map"]
