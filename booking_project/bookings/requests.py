"""What users ask of an event, as values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Book:
    event_id: int
    user_id: str


@dataclass(frozen=True, slots=True)
class Cancel:
    event_id: int
    booking_id: int


Request = Book | Cancel
