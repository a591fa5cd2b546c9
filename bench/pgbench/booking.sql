-- One booking per transaction, as an application without groups has to do it.
\set user random(1, 9000000000000000)
BEGIN;
SELECT max_seats, waitlist_limit, confirmed_count, waitlisted_count, booking_start_at, booking_end_at
  FROM bookings_event WHERE id = :event_id FOR UPDATE;
SELECT 1 FROM bookings_booking
 WHERE event_id = :event_id AND user_id = 'visitor-' || :user AND status <> 'cancelled';
INSERT INTO bookings_booking (event_id, user_id, status, created_at, updated_at)
VALUES (:event_id, 'visitor-' || :user, 'confirmed', clock_timestamp(), clock_timestamp())
RETURNING id;
UPDATE bookings_event SET confirmed_count = confirmed_count + 1 WHERE id = :event_id;
COMMIT;
