"""The same sale with a waiting room, second by second.

Everybody joins, which costs CPU time that bookings leave over. From the line, the room lets in so
many people a second, and they book. Once all is sold, whoever asks for their place is told so.
"""

from collections import deque
from dataclasses import dataclass, field

from bench.capacity.simulation import LONGEST, NOBODY, STEP, Sale, Service


@dataclass
class Room:
    """`joins` are people without a place yet, `line` those with one: how many, and since when, in
    steps. Times are in seconds after the opening; None for what never happened."""

    joins: deque[list[float]] = field(default_factory=deque)
    line: float = 0.0
    longest_line: float = 0.0
    longest_join: float = 0.0
    sold_out_at: float | None = None
    in_line_at_the_end: float = 0.0


def simulate_room(sale: Sale, service: Service, *, rate: float, join_us: float) -> Room:
    """`join_us` is the CPU time of the API for a request that joins."""
    room = Room()
    seats = float(sale.seats)
    for step in range(round(LONGEST / STEP)):
        came = sale.arrived((step + 1) * STEP) - sale.arrived(step * STEP)
        if came > NOBODY:
            room.joins.append([came, step])
        cpu_us = service.cores * STEP * 1e6
        may_book = min(rate, service.row_per_second) * STEP
        booked = min(seats, room.line, may_book, cpu_us / service.booking_us)
        seats -= booked
        room.line -= booked
        cpu_us -= booked * service.booking_us
        while room.joins and cpu_us > 0:
            first = room.joins[0]
            joined = min(first[0], cpu_us / join_us)
            cpu_us -= joined * join_us
            first[0] -= joined
            room.line += joined
            room.longest_join = max(room.longest_join, (step - first[1]) * STEP)
            if first[0] <= NOBODY:
                room.joins.popleft()
        room.longest_line = max(room.longest_line, room.line)
        if seats <= NOBODY:
            room.sold_out_at = (step + 1) * STEP
            room.in_line_at_the_end = room.line
            break
    return room
