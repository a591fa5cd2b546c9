"""The outbox in SQL, for tests that read a database without Django."""

# One row for each message.
MESSAGES = """(
    SELECT entry.id, position, exchange, created_at, published_at, set_aside_at,
           split_part(line, E'\\t', 1) AS message_id,
           split_part(line, E'\\t', 2) AS routing_key,
           split_part(line, E'\\t', 3) AS ordering_key,
           split_part(line, E'\\t', 4)::jsonb AS headers,
           split_part(line, E'\\t', 5)::jsonb AS body
      FROM outbox_outboxentry AS entry,
           string_to_table(messages, E'\\n') WITH ORDINALITY AS lines (line, position)
) AS outbox_messages"""

PENDING = "SELECT coalesce(sum(size), 0) FROM outbox_outboxentry WHERE published_at IS NULL"
