from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from shared.times.zones import COOKIE, zone_by_name

# In every form with times: the zone in which the form showed them.
FORM_FIELD = "shown_time_zone"


class AdminTimes:
    """Makes the admin show and read times in the browser's zone, or in UTC if that isn't known.

    A script keeps the zone in a cookie. A form is read in the zone that it was shown in, even if
    the cookie was set or changed since.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        name = request.COOKIES.get(COOKIE, "")
        if request.method == "POST":
            name = request.POST.get(FORM_FIELD, name)
        with timezone.override(zone_by_name(name) or "UTC"):
            return self.get_response(request)
