"""Settings that would allow more than intended stop the start with an error that names them."""

from datetime import timedelta

import pytest
from django.utils.module_loading import import_string

from shared.auth.settings import (
    JwtSettings,
    authentication_class,
    read_auth_mode,
    read_jwt_settings,
)
from shared.conf.env import Environment, seal
from shared.limits.rate import FORMAT, parse_rate

SECRET = "s" * 32
JWT = {"AUTH_MODE": "jwt", "JWT_ISSUER": "https://issuer.example", "JWT_AUDIENCE": "sale"}
JWKS = {**JWT, "JWT_JWKS_URL": "https://issuer.example/keys"}
SHARED = {**JWT, "JWT_SECRET": SECRET}
NAMES = [
    *("AUTH_MODE", "JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL", "JWT_SECRET", "JWT_ALGORITHMS"),
    *("JWT_ROLES_CLAIM", "JWT_ADMIN_ROLE", "JWT_KEYS_SECONDS"),
]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def read(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], *, debug: bool = False
) -> tuple[str, JwtSettings | None]:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    env = Environment()
    mode = read_auth_mode(env, debug=debug)
    jwt = read_jwt_settings(env, mode=mode)
    seal(env)
    return mode, jwt


def refusal(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], *, debug: bool = False
) -> list[str]:
    with pytest.raises(SystemExit) as stopped:
        read(monkeypatch, environ, debug=debug)
    return str(stopped.value).splitlines()


class TestTheMode:
    def test_has_no_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert refusal(monkeypatch, {}) == [
            "Environment variable AUTH_MODE: Environment variable not set."
        ]

    @pytest.mark.parametrize(
        ("mode", "name"), [("open", "Open"), ("jwt", "TokenOrSession"), ("", "TokenOrSession")]
    )
    def test_chooses_what_makes_the_caller(self, mode: str, name: str) -> None:
        assert import_string(authentication_class(mode)).__name__ == name

    def test_is_open_with_debug(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert read(monkeypatch, {}, debug=True) == ("open", None)

    @pytest.mark.parametrize("name", ["JWT_JWKS_URL", "JWT_SECRET"])
    def test_is_required_if_keys_are_set(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        [sentence] = refusal(monkeypatch, {name: SECRET}, debug=True)
        assert sentence.startswith("Environment variable AUTH_MODE: ")

    @pytest.mark.parametrize("mode", ["", "none", "JWT", "Open", "jwt "])
    def test_is_one_of_two(self, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
        [sentence] = refusal(monkeypatch, {"AUTH_MODE": mode})
        assert sentence.startswith("Environment variable AUTH_MODE: ")

    def test_open_needs_nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert read(monkeypatch, {"AUTH_MODE": "open"}) == ("open", None)


class TestTokens:
    def test_by_the_keys_of_an_issuer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _, jwt = read(monkeypatch, JWKS)
        assert jwt == JwtSettings(
            issuer="https://issuer.example",
            audience="sale",
            algorithms=("RS256",),
            jwks_url="https://issuer.example/keys",
            keys_seconds=600,
        )

    def test_by_a_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _, jwt = read(monkeypatch, SHARED)
        assert jwt is not None
        assert (jwt.secret, jwt.jwks_url, jwt.algorithms) == (SECRET, "", ("HS256",))
        assert SECRET not in repr(jwt)

    @pytest.mark.parametrize(
        ("environ", "names"),
        [
            (JWT, ["JWT_JWKS_URL", "JWT_SECRET"]),
            ({**JWKS, "JWT_SECRET": SECRET}, ["JWT_JWKS_URL", "JWT_SECRET"]),
            ({**JWT, "JWT_SECRET": ""}, ["JWT_JWKS_URL", "JWT_SECRET"]),
            ({**JWT, "JWT_SECRET": "s" * 31}, ["JWT_SECRET"]),
            ({**SHARED, "JWT_ALGORITHMS": "HS512"}, ["JWT_SECRET"]),
            ({**SHARED, "JWT_ALGORITHMS": "RS256"}, ["JWT_ALGORITHMS"]),
            ({**SHARED, "JWT_ALGORITHMS": "HS256,RS256"}, ["JWT_ALGORITHMS"]),
            ({**SHARED, "JWT_ALGORITHMS": "none"}, ["JWT_ALGORITHMS"]),
            ({**SHARED, "JWT_ALGORITHMS": ""}, ["JWT_ALGORITHMS"]),
            ({**JWKS, "JWT_ALGORITHMS": "HS256"}, ["JWT_ALGORITHMS"]),
            ({**JWKS, "JWT_ALGORITHMS": "RS256,HS256"}, ["JWT_ALGORITHMS"]),
            ({**JWKS, "JWT_ALGORITHMS": "none"}, ["JWT_ALGORITHMS"]),
            ({**JWKS, "JWT_JWKS_URL": "file:///etc/passwd"}, ["JWT_JWKS_URL"]),
            ({**JWKS, "JWT_JWKS_URL": "nonsense"}, ["JWT_JWKS_URL"]),
            ({**JWKS, "JWT_ISSUER": ""}, ["JWT_ISSUER"]),
            ({**JWKS, "JWT_AUDIENCE": ""}, ["JWT_AUDIENCE"]),
            ({**JWKS, "JWT_ADMIN_ROLE": ""}, ["JWT_ADMIN_ROLE"]),
            ({**JWKS, "JWT_ROLES_CLAIM": ""}, ["JWT_ROLES_CLAIM"]),
            ({**JWKS, "JWT_KEYS_SECONDS": "5"}, ["JWT_KEYS_SECONDS"]),
            ({**JWKS, "JWT_KEYS_SECONDS": "for ever"}, ["JWT_KEYS_SECONDS"]),
        ],
        ids=lambda value: repr(value)[-60:] if isinstance(value, dict) else None,
    )
    def test_are_refused_with_bad_settings_in_a_sentence_that_names_the_variables(
        self, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], names: list[str]
    ) -> None:
        [sentence] = refusal(monkeypatch, environ)
        head, _, _ = sentence.partition(": ")
        assert head == f"Environment variable {', '.join(names)}"
        assert SECRET not in sentence

    def test_report_all_missing_variables_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sentences = refusal(monkeypatch, {"AUTH_MODE": "jwt"})
        assert len(sentences) == 3

    @pytest.mark.parametrize("algorithms", ["ES256", "RS256,ES256", "EdDSA", "PS512"])
    def test_may_be_signed_in_other_ways(
        self, monkeypatch: pytest.MonkeyPatch, algorithms: str
    ) -> None:
        _, jwt = read(monkeypatch, {**JWKS, "JWT_ALGORITHMS": algorithms})
        assert jwt is not None
        assert jwt.algorithms == tuple(algorithms.split(","))


class TestARate:
    @pytest.mark.parametrize(
        ("text", "number", "period"),
        [
            ("1/sec", 1, timedelta(seconds=1)),
            ("100/min", 100, timedelta(minutes=1)),
            ("5000/hour", 5000, timedelta(hours=1)),
            ("999999/day", 999999, timedelta(days=1)),
        ],
    )
    def test_is_a_number_in_a_period(self, text: str, number: int, period: timedelta) -> None:
        assert FORMAT.match(text)
        rate = parse_rate(text)
        assert rate is not None
        assert (rate.number, rate.period) == (number, period)
        assert rate.cost * number <= period

    def test_is_none_for_an_empty_text(self) -> None:
        assert FORMAT.match("")
        assert parse_rate("") is None

    @pytest.mark.parametrize(
        "text", ["0/min", "-1/min", "100", "100/", "/min", "100/week", "1.5/sec", "٣/min", " 1/sec"]
    )
    def test_is_nothing_but_that(self, text: str) -> None:
        assert not FORMAT.match(text)
