from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class LookConfig(AppConfig):
    """Templates, styles and words of both admins."""

    name = "shared.admin"
    label = "shared_admin"


class SiteConfig(AdminConfig):
    """Django's admin with the site of this package."""

    default = False
    default_site = "shared.admin.site.Desk"
