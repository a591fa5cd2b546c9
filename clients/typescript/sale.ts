// A sale through the generated TypeScript clients: node sale.ts EVENT_URL BOOKING_URL TOKEN
// A test checks its types and runs it, so it also shows how the clients are used.

import createClient from "openapi-fetch";
import type { components as BookingComponents, paths as BookingPaths } from "@clients/booking-service";
import type { components as EventComponents, paths as EventPaths } from "@clients/event-service";

type Booking = BookingComponents["schemas"]["Booking"];
type Problem = BookingComponents["schemas"]["Problem"];
type Outcome = { data?: Booking; error?: Problem };

declare const process: { argv: string[] };

const [eventUrl = "", bookingUrl = "", token = ""] = process.argv.slice(2);
// Open services ignore the token.
const headers = { Authorization: `Bearer ${token}` };
const events = createClient<EventPaths>({ baseUrl: eventUrl, headers });
const bookings = createClient<BookingPaths>({ baseUrl: bookingUrl, headers });

function expect<T>(what: string, got: T, wanted: T): void {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: ${JSON.stringify(got)} and not ${JSON.stringify(wanted)}`);
  }
}

function present<T>(what: string, answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(`${what}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

const fromNow = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
const user = (number: number): string => `user-${String(number).padStart(3, "0")}`;

async function book(event_id: number, user_id: string): Promise<Outcome> {
  return bookings.POST("/api/v1/events/{event_id}/bookings", {
    params: { path: { event_id } },
    body: { user_id },
  });
}

async function counts(event_id: number): Promise<number[] | undefined> {
  const { data } = await bookings.GET("/api/v1/events/{event_id}/status", {
    params: { path: { event_id } },
  });
  return data && [data.confirmed_count, data.waitlisted_count, data.seats_available];
}

async function waitFor(event_id: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await counts(event_id)) === undefined) {
    if (Date.now() > deadline) throw new Error("the event does not arrive");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// 1. Create Event
const body: EventComponents["schemas"]["NewEvent"] = {
  name: "Golang Workshop Bangkok",
  max_seats: 50,
  waitlist_limit: 5,
  price: 2500,
  booking_start_at: fromNow(-1),
  booking_end_at: fromNow(1),
  venue: "BITEC, Bangkok",
  starts_at: fromNow(24 * 7),
};
const event = present("the event", await events.POST("/api/v1/events", { body })).id;

// 2. Get Event Status
await waitFor(event);
expect("free at first", await counts(event), [0, 0, 50]);

// 3. Create Booking #1
const first = present("the first booking", await book(event, user(1)));
expect("the first booking", first.status, "confirmed");

// 4. Double Booking Prevention
const twice = (await book(event, user(1))).error;
expect("booking twice", [twice?.status, twice?.code], [409, "already_booked"]);
expect("its message", twice?.message.includes("already"), true);

// 5. Fill All 50 Seats
for (let number = 2; number <= 50; number++) {
  expect("a seat", present("a seat", await book(event, user(number))).status, "confirmed");
}

// 6. Verify Seats Full
expect("full", await counts(event), [50, 0, 0]);

// 7. Create Waitlist Booking
const waiting = present("the first in line", await book(event, user(51)));
expect("the first in line", [waiting.status, waiting.waitlist_order], ["waitlisted", 1]);

// 8. Fully Booked Rejection
for (let number = 52; number <= 55; number++) {
  expect("in line", present("in line", await book(event, user(number))).status, "waitlisted");
}
const late = (await book(event, user(56))).error;
expect("one too many", [late?.status, late?.code], [409, "fully_booked"]);
expect("its message", late?.message.includes("fully booked"), true);

// 9. Cancel Booking
const path = { booking_id: first.id };
const cancelled = await bookings.DELETE("/api/v1/bookings/{booking_id}", { params: { path } });
expect("the cancelled booking", present("the cancelled booking", cancelled).status, "cancelled");

// 10. Waitlist Promotion
const promoted = present(
  "the promoted booking",
  await bookings.GET("/api/v1/bookings/{booking_id}", {
    params: { path: { booking_id: waiting.id } },
  }),
);
expect("the promoted booking", [promoted.user_id, promoted.status], [user(51), "confirmed"]);
expect("its place in line", promoted.waitlist_order, undefined);
expect("after the promotion", await counts(event), [50, 4, 0]);

const listed = present(
  "the list",
  await bookings.GET("/api/v1/events", { params: { query: { id: [event] } } }),
);
expect("the list", listed.map((each) => [each.id, each.venue]), [[event, "BITEC, Bangkok"]]);
