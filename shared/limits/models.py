from django.db import models


class Budget(models.Model):
    """How far a caller's writes have used up their time; in the past: all of it is there again.

    The table is unlogged: writing it waits for no disk, and after a crash of the database everyone
    starts anew.
    """

    caller = models.CharField(primary_key=True, max_length=300)
    spent_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.caller}: {self.spent_until}"
