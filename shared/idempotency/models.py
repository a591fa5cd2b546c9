from django.db import models
from django.db.models.functions import Now


class IdempotencyRecord(models.Model):
    """The answer to the first request with a key, stored in the transaction of its work.

    `response` is the JSON as it was sent, as text: a JSON column would sort its members. A record
    older than the retention is ignored, whether it has been deleted yet or not.

    Where tables are distributed, the record is on the node of its `distribution_key`, like all else
    that its transaction wrote. The path decides about the key, so the constraint holds there, too.
    """

    distribution_key = models.BigIntegerField(default=0, db_default=0)
    caller = models.CharField(max_length=300)
    path = models.CharField(max_length=255)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    response = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["caller", "path", "key"], name="idempotency_one_answer_per_key"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return f"{self.key} of {self.caller} at {self.path}"
