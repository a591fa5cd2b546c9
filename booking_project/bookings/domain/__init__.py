"""The rules of booking, in memory: no SQL, no HTTP, no messages."""
