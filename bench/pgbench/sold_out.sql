-- Reads what a refusal needs, without a lock.
\set user random(1, 9000000000000000)
SELECT max_seats, waitlist_limit, confirmed_count, waitlisted_count, booking_start_at, booking_end_at,
       clock_timestamp(),
       EXISTS (SELECT 1 FROM bookings_booking
                WHERE event_id = event.id AND user_id = 'visitor-' || :user AND status <> 'cancelled')
  FROM bookings_event AS event WHERE id = :event_id;
