from django.urls import path

from booking_project.sales import views

app_name = "sales"
urlpatterns = [
    path("events/<int:event_id>/live", views.live_page, name="live"),
    path("events/<int:event_id>/live.json", views.live_json, name="live-json"),
    path("events/<int:event_id>/sale.json", views.sale_json, name="sale-json"),
]
