"""What the two admins are called and look like: settings for unfold."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class _Names(NamedTuple):
    title: Promise
    about: Promise
    symbol: str


_DESKS = {
    "event": _Names(_("Event desk"), _("Plan, publish and cancel events"), "event"),
    "booking": _Names(_("Booking desk"), _("Seats, waitlists and guests"), "confirmation_number"),
}
_OTHER = {"event": "booking", "booking": "event"}


class Group(NamedTuple):
    """Links of the navigation under a heading."""

    title: Promise
    links: Sequence[dict[str, Any]]


def link(title: Promise, *, icon: str, to: str, permission: str = "") -> dict[str, Any]:
    """A link of the navigation to `to`, the name of a page of this admin. Shown to all who have the
    permission; by default to everybody."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{to}"),
        "permission": _holders_of(permission) if permission else None,
    }


def _holders_of(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def desk(
    service: str, group: Group, *, other_url: str, guests_url: str, overview: str
) -> dict[str, Any]:
    """The setting UNFOLD. Empty addresses are not linked to. `overview` is the name of a function
    that adds to the context of the first page; with `overview_template`, that is what it shows."""
    names, other = _DESKS[service], _DESKS[_OTHER[service]]
    elsewhere = [
        {"title": title, "icon": icon, "link": url, "active": False}
        for title, icon, url in (
            (other.title, other.symbol, other_url and f"{other_url}/admin/"),
            (_("Pages for guests"), "storefront", guests_url),
        )
        if url
    ]
    groups = [_HOME, group, Group(_("Elsewhere"), elsewhere), _STAFF]
    return {
        "SITE_TITLE": names.title,
        "SITE_HEADER": names.title,
        "SITE_SUBHEADER": names.about,
        "SITE_SYMBOL": names.symbol,
        "SITE_URL": None,
        "DASHBOARD_CALLBACK": overview,
        "SITE_FAVICONS": [
            {"rel": "icon", "type": "image/svg+xml", "href": _static(f"{service}.svg")}
        ],
        "STYLES": [_static("look.css"), _static(f"{service}.css")],
        "SHOW_BACK_BUTTON": True,
        "SIDEBAR": {
            "navigation": [{"title": each.title, "items": list(each.links)} for each in groups]
        },
    }


_HOME = Group(_("Today"), [link(_("Overview"), icon="home", to="index")])
_STAFF = Group(
    _("Staff"),
    [
        link(_("People"), icon="person", to="auth_user_changelist", permission="auth.view_user"),
        link(_("Groups"), icon="group", to="auth_group_changelist", permission="auth.view_group"),
        link(
            _("Failed log-ins"),
            icon="lock_clock",
            to="axes_accessattempt_changelist",
            permission="axes.view_accessattempt",
        ),
    ],
)


def _static(name: str) -> Callable[[HttpRequest], str]:
    return lambda request: static(f"shared_admin/{name}")
