from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from booking_project.organisers.forms import NoteForm
from booking_project.organisers.services import note_add
from shared.admin.read_only import ReadOnlyAdmin


class WithNotes(ReadOnlyAdmin):
    """Pages on which organisers leave notes. The model has them as `notes`."""

    def get_urls(self) -> list[URLPattern]:
        add = path(
            "<path:object_id>/notes",
            self.admin_site.admin_view(self._add_note),
            name=f"{self._prefix}_note",
        )
        urls: list[URLPattern] = super().get_urls()
        return [add, *urls]

    def notes_context(self, request: HttpRequest, subject: Model) -> dict[str, Any]:
        return {
            "notes": subject.notes.select_related("author"),  # type: ignore[attr-defined]
            "note_url": reverse(f"admin:{self._prefix}_note", args=[subject.pk]),
            "note_form": NoteForm() if request.user.has_perm("organisers.add_note") else None,
        }

    @property
    def _prefix(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def _add_note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        subject = self.get_object(request, object_id)
        if subject is None or request.method != "POST":
            raise Http404
        if not (
            self.has_view_permission(request, subject)
            and request.user.has_perm("organisers.add_note")
        ):
            return HttpResponse(status=403)
        form = NoteForm(request.POST)
        if form.is_valid():
            note_add(
                about=subject, text=form.cleaned_data["text"], author=cast("User", request.user)
            )
            self.message_user(request, _("The note is kept."))
        else:
            self.message_user(request, " ".join(map(str, form.errors["text"])), messages.ERROR)
        page = reverse(f"admin:{self._prefix}_change", args=[subject.pk])
        return HttpResponseRedirect(f"{page}#notes")
