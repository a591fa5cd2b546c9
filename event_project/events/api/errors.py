"""Which status each refusal gets."""

from http import HTTPStatus

from event_project.events.errors import EventNotFound
from shared.api import problems

exception_handler = problems.exception_handler({EventNotFound: HTTPStatus.NOT_FOUND})
