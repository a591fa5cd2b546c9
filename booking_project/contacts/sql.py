"""The SQL of this app."""

# Half of what the ORM takes to write the same, which each batch of mails would pay.
BY_USERS = "SELECT * FROM contacts_contact WHERE user_id = ANY(%s)"
