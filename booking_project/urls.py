from django.contrib import admin
from django.urls import include, path

from booking_project.bookings.api import urls as api
from booking_project.bookings.on_sale import OnSaleCollector
from shared.api import documentation
from shared.api.health import health_view
from shared.api.metrics import metrics_view
from shared.api.readiness import readiness_view
from shared.outbox.status import OutboxCollector, oldest_pending_seconds

urlpatterns = [
    # Unpacked, not included: one less level to resolve on the hot path.
    *api.urlpatterns,
    path("health", health_view("booking-service")),
    path(
        "health/ready",
        readiness_view("booking-service", oldest_pending=oldest_pending_seconds),
    ),
    path("metrics", metrics_view(OutboxCollector(), OnSaleCollector())),
    *documentation.urlpatterns,
    path("", include("booking_project.sales.urls")),
    path("admin/", admin.site.urls),
    path("", include("booking_project.guests.urls")),
]

handler400 = "booking_project.guests.errors.bad_request"
handler403 = "booking_project.guests.errors.permission_denied"
handler404 = "booking_project.guests.errors.page_not_found"
handler500 = "booking_project.guests.errors.server_error"
