from django.db import models


class Budget(models.Model):
    """Until when a caller's writes have used up their budget; in the past, all of it is available.

    The table is unlogged: writes don't wait for the disk, and after a database crash all
    budgets are full.
    """

    caller = models.CharField(primary_key=True, max_length=300)
    spent_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.caller}: {self.spent_until}"
