"""Fixtures of every suite; each service's suite has its own conftest as well."""

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

if TYPE_CHECKING:
    from shared.auth.settings import JwtSettings
    from tests.support.authorization import AskForTokens

# Time limits per example say more about the machine than about the code, and a suite that gates a
# merge must fail for the same reason twice.
hypothesis_settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("suite")


@pytest.fixture
def ask_for_tokens(settings: Any, monkeypatch: pytest.MonkeyPatch) -> "AskForTokens":
    """Makes the service require tokens, as with AUTH_MODE=jwt. Otherwise it runs open in tests."""
    # Not before Django has its settings.
    from rest_framework.views import APIView

    from shared.auth.authentication import TokenOrSession
    from tests.support.issuer import secret_settings

    def ask(jwt: "JwtSettings | None" = None) -> None:
        settings.JWT = jwt or secret_settings()
        monkeypatch.setattr(APIView, "authentication_classes", [TokenOrSession])

    return ask
