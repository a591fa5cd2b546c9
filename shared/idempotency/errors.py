from shared.errors import DomainError


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    message = "this Idempotency-Key was used with another body"


class IdempotencyKeyInUse(DomainError):
    """Nothing was done. `retry_after` in seconds."""

    code = "idempotency_key_in_use"
    message = "a request with this Idempotency-Key is still running"
    retry_after = 1
