"""The booking service's URLs and an API view that does nothing."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from booking_project import urls
from shared.api.views import APIView

handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500


class Empty(APIView):
    """The minimum that a view of this API can cost on this server."""

    def get(self, request: Request) -> Response:
        return Response({"empty": True})

    def post(self, request: Request) -> Response:
        return Response({"empty": True})


# First, because the API's own views come before all pages.
urlpatterns = [path("api/v1/empty", Empty.as_view()), *urls.urlpatterns]
