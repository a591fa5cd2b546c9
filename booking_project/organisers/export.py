"""The guest list as a file: row by row, in the order of the bookings' ids, in bounded memory."""

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

import xlsxwriter
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking_project.bookings.models import Booking
from booking_project.organisers.selectors import named
from shared.db.release import release_connection
from shared.times.zones import zone_by_name

CHUNK = 500
# A spreadsheet that opens a CSV would take a cell that begins like this for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# By this, Excel knows that a file is UTF-8.
_BYTE_ORDER_MARK = "\ufeff"

Cells = Sequence[str | int]


def _header() -> Cells:
    return [
        _("Booking"),
        _("Event number"),
        _("Event"),
        _("User id"),
        _("Name"),
        _("Status"),
        _("Number in line"),
        _("Booked at"),
        _("Changed at"),
        _("Time zone"),
    ]


def _chunks(bookings: QuerySet[Booking]) -> Iterator[list[Cells]]:
    """Each is a query of its own, and between them no connection is held."""
    ordered = bookings.order_by("pk")
    last = 0
    while chunk := named(ordered.filter(pk__gt=last)[:CHUNK]):
        release_connection()
        last = chunk[-1].pk
        yield [_cells(booking) for booking in chunk]


def _cells(booking: Booking) -> Cells:
    event = booking.event
    zone = zone_by_name(event.time_zone) or timezone.get_current_timezone()
    return [
        booking.pk,
        booking.event_id,
        event.name,
        booking.user_id,
        booking.guest_name,  # type: ignore[attr-defined]
        booking.status,
        booking.waitlist_order or "",
        f"{booking.created_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        f"{booking.updated_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        str(zone),
    ]


def harmless(cell: str | int) -> str | int:
    """Text that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


class _Line:
    """What `csv` writes to: gives back the line."""

    def write(self, line: str) -> str:
        return line


def csv_response(bookings: QuerySet[Booking]) -> HttpResponseBase:
    writer = csv.writer(_Line())
    header = writer.writerow(_header())

    def lines() -> Iterator[str]:
        yield _BYTE_ORDER_MARK + header
        for chunk in _chunks(bookings):
            yield "".join(writer.writerow([harmless(cell) for cell in row]) for row in chunk)

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_name("csv")}"'
    return response


def xlsx_response(bookings: QuerySet[Booking]) -> HttpResponseBase:
    """The format begins with what is known at its end, so it is written to a file first."""
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    # Each row is written to a temporary file when the next one begins.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(_("Bookings"))
        sheet.set_column(2, 4, 28)
        sheet.set_column(7, 8, 19)
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True})
        _write_row(sheet, 0, _header(), bold)
        number = 0
        for chunk in _chunks(bookings):
            for row in chunk:
                number += 1
                _write_row(sheet, number, row)
    file.seek(0)
    return FileResponse(
        file,
        as_attachment=True,
        filename=_name("xlsx"),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )


def _write_row(sheet: Any, number: int, cells: Cells, style: Any = None) -> None:
    for column, cell in enumerate(cells):
        if isinstance(cell, int):
            sheet.write_number(number, column, cell, style)
        elif cell:
            sheet.write_string(number, column, cell, style)


def _name(suffix: str) -> str:
    return f"bookings-{timezone.localtime():%Y-%m-%d-%H%M}.{suffix}"


KINDS: dict[str, Callable[[QuerySet[Booking]], HttpResponseBase]] = {
    "csv": csv_response,
    "xlsx": xlsx_response,
}
