"""What every suite shares; each service's suite has its own conftest for the rest."""

from hypothesis import HealthCheck, settings

# Time limits per example say more about the machine than about the code, and a suite that gates a
# merge must fail for the same reason twice.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
