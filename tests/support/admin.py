"""Pages of the admins."""

from html.parser import HTMLParser

from django.contrib.auth.models import Group, User


class _Cells(HTMLParser):
    def __init__(self, page: str, column: str) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self._class = f"field-{column}"
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th"):
            self._inside = self._class in (dict(attrs).get("class") or "").split()
            if self._inside:
                self.found.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.found[-1].append(data.strip())


def cells(page: str, column: str) -> list[str]:
    """The first text in each cell of a column of a list."""
    return [texts[0] if texts else "" for texts in _Cells(page, column).found]


def member(group: str) -> User:
    """Somebody who may log in to the admin, in one of the groups that `migrate` makes."""
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user
