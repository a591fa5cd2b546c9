"""Why a caller isn't let in."""

from http import HTTPStatus

from rest_framework.exceptions import APIException, AuthenticationFailed

REALM = 'Bearer realm="api"'


class InvalidToken(AuthenticationFailed):
    """401. `reason` is an ASCII sentence without quotes, as it goes into a header (RFC 6750)."""

    def __init__(self, reason: str, *, code: str = "invalid_token") -> None:
        super().__init__(detail=reason, code=code)
        self.challenge = f'{REALM}, error="invalid_token", error_description="{reason}"'


class KeysUnavailable(APIException):
    """503: the token can't be verified, because the issuer's keys are not available."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "keys_unavailable"
    default_detail = "the keys for verifying tokens are not available, please try again"

    def __init__(self, *, retry_after: int) -> None:
        """`retry_after` in seconds."""
        super().__init__()
        self.retry_after = retry_after
