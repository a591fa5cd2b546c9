from django.db import models


class Contact(models.Model):
    """What a user said on the pages. Users of the API have none."""

    user_id = models.CharField(primary_key=True, max_length=255)
    name = models.CharField(max_length=100)
    language = models.CharField(max_length=10)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.user_id})"
