"""Sends several mails at once, over sessions that are kept."""

import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage

from booking_project.notifications.errors import MailServerUnavailable, NotSent, NotTried
from booking_project.notifications.sessions import Session
from booking_project.notifications.settings import SMTP_BACKEND
from shared.observability.tracing import Step, span

# With the step that sends it, if traces are recorded.
TracedMail = tuple[EmailMessage, Step | None]

_SESSIONS = 4
# For one mail, from before the connection is opened.
CONVERSATION_SECONDS = 45.0
# A mail of a batch that could not be begun in this time is left for another batch. The two together
# must be less than the minute after which the broker considers an unresponsive consumer dead.
BEGIN_SECONDS = 2.0


class MailSender:
    """Use it as a context manager: it ends its sessions and threads."""

    def __init__(self) -> None:
        self._sessions = [Session() for _ in range(_SESSIONS)]
        self._threads = ThreadPoolExecutor(_SESSIONS, thread_name_prefix="mail")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown()
        for session in self._sessions:
            session.close()

    def send(self, mails: Mapping[UUID, TracedMail]) -> dict[UUID, NotSent]:
        """Returns, by id, why mails were not sent. No mail makes it raise."""
        batch = _Batch(mails)
        # Only SMTP waits. On a console, mails that are sent at once would mix.
        count = min(len(mails), _SESSIONS if settings.EMAIL_BACKEND == SMTP_BACKEND else 1)
        list(self._threads.map(batch.work, self._sessions[:count]))
        return batch.not_sent()

    def close_idle(self) -> bool:
        """Close the sessions that have sent nothing for a while. Returns False: nothing is left."""
        for session in self._sessions:
            session.close_if_idle()
        return False


class _Batch:
    """Mails that several sessions share: each takes the next one when it is free."""

    def __init__(self, mails: Mapping[UUID, TracedMail]) -> None:
        self._waiting = deque(mails.items())
        self._not_sent: dict[UUID, NotSent] = {}
        self._begin_until = time.monotonic() + BEGIN_SECONDS
        self._why_not_tried: NotSent = NotTried()

    def work(self, session: Session) -> None:
        """Tries one mail at least. If the mail server accepts only a few connections, these get all
        the mails."""
        while self._waiting:
            deadline = time.monotonic() + CONVERSATION_SECONDS
            try:
                session.open(deadline=deadline)
            except MailServerUnavailable as error:
                self._why_not_tried = error
                return
            try:
                message_id, (mail, step) = self._waiting.popleft()
            except IndexError:
                return  # another session was faster
            try:
                with span("send mail", parent=step):
                    session.send(mail, deadline=deadline)
            except NotSent as error:
                self._not_sent[message_id] = error
            if time.monotonic() > self._begin_until:
                return

    def not_sent(self) -> dict[UUID, NotSent]:
        """Call it when no session works any more."""
        return {**self._not_sent, **{each: self._why_not_tried for each, _ in self._waiting}}
