"""A token is accepted as its issuer signed it, or refused."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth.caller import ADMIN, Caller
from shared.auth.errors import InvalidToken
from shared.auth.tokens import LEEWAY_SECONDS, LONGEST_TOKEN, TokenVerifier
from tests.support.issuer import (
    SECRET,
    Issuer,
    claims,
    private_key,
    public_key,
    running_issuer,
    secret_settings,
    secret_token,
    token,
)

Sign = Callable[..., str]


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module", params=["jwks", "secret"])
def way(request: pytest.FixtureRequest, issuer: Issuer) -> tuple[TokenVerifier, Sign]:
    """A verifier and its signer: with the issuer's key, or with the shared secret."""
    if request.param == "jwks":
        return TokenVerifier(issuer.settings()), token
    return TokenVerifier(secret_settings()), secret_token


def part(data: Any) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def refusal(verifier: TokenVerifier, text: str) -> InvalidToken:
    with pytest.raises(InvalidToken) as refused:
        verifier.caller(text)
    return refused.value


def test_a_good_token_names_its_caller(way: tuple[TokenVerifier, Sign]) -> None:
    verifier, sign = way
    ann = Caller(identity="user ann", name="ann", user_id="ann")
    assert verifier.caller(sign()) == ann
    assert verifier.caller(sign(roles=["admin"])) == replace(ann, roles=frozenset([ADMIN]))


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"exp": int(time.time()) - LEEWAY_SECONDS - 60}, "token_expired", "has expired"),
        ({"exp": None}, "invalid_token", "has no exp"),
        ({"exp": "soon"}, "invalid_token", "cannot be read"),
        ({"exp": float("inf")}, "invalid_token", "cannot be read"),
        ({"exp": -1}, "token_expired", "has expired"),
        ({"nbf": int(time.time()) + 3600}, "invalid_token", "not valid yet"),
        ({"nbf": []}, "invalid_token", "cannot be read"),
        ({"iat": int(time.time()) + 3600}, "invalid_token", "not valid yet"),
        ({"iss": "https://other.example"}, "invalid_token", "another issuer"),
        ({"iss": None}, "invalid_token", "has no iss"),
        ({"aud": "others"}, "invalid_token", "another audience"),
        ({"aud": ["others"]}, "invalid_token", "another audience"),
        ({"aud": {"reservations": 1}}, "invalid_token", "another audience"),
        ({"aud": None}, "invalid_token", "has no aud"),
        ({"sub": None}, "invalid_token", "has no sub"),
        ({"sub": ""}, "invalid_token", "is not a valid user_id"),
        ({"sub": " "}, "invalid_token", "is not a valid user_id"),
        ({"sub": " ann"}, "invalid_token", "is not a valid user_id"),
        ({"sub": "ann\t"}, "invalid_token", "is not a valid user_id"),
        ({"sub": "\u200b"}, "invalid_token", "is not a valid user_id"),
        ({"sub": "ann\x00"}, "invalid_token", "is not a valid user_id"),
        ({"sub": "x" * 256}, "invalid_token", "is not a valid user_id"),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, dict) else None,
)
def test_a_signed_token_whose_claims_will_not_do_is_refused(
    way: tuple[TokenVerifier, Sign], changes: dict[str, Any], code: str, reason: str
) -> None:
    verifier, sign = way
    refused = refusal(verifier, sign(**changes))
    assert refused.get_codes() == code
    assert reason in str(refused.detail)
    assert refused.challenge.startswith('Bearer realm="api", error="invalid_token"')


@pytest.mark.parametrize("sub", [5, ["ann"], {"id": "ann"}, True])
def test_a_sub_that_is_no_string_is_refused(way: tuple[TokenVerifier, Sign], sub: Any) -> None:
    verifier, _ = way
    # PyJWT would not sign it.
    body = f"{part({'alg': 'HS256'})}.{part({**claims(), 'sub': sub})}"
    signature = hmac.digest(SECRET.encode(), body.encode(), hashlib.sha256)
    refusal(verifier, f"{body}.{part(signature)}")


def test_clocks_may_differ_a_little(way: tuple[TokenVerifier, Sign]) -> None:
    verifier, sign = way
    ahead = int(time.time()) + LEEWAY_SECONDS // 2
    assert verifier.caller(sign(nbf=ahead, iat=ahead)).user_id == "ann"


@pytest.mark.parametrize("sub", ["ann", "x" * 255, "สมชาย", "a b", "user@example.com", "auth0|5"])
def test_a_sub_of_any_script_is_a_user_id(way: tuple[TokenVerifier, Sign], sub: str) -> None:
    verifier, sign = way
    assert verifier.caller(sign(sub=sub)).user_id == sub


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "null",
        "\x00",
        "ü.ü.ü",
        f"{part(b'[]')}.{part({})}.",
        f"{part(b'null')}.{part({})}.{part(b'x')}",
        f"{part(b'[' * 3000)}.{part({})}.{part(b'x')}",
        f"{part({'alg': 'HS256', 'kid': 5})}.{part(claims())}.{part(b'x')}",
        f"{part({'alg': 'RS256', 'kid': ['first']})}.{part(claims())}.{part(b'x')}",
        f"{part({'alg': ['RS256'], 'kid': 'first'})}.{part(claims())}.{part(b'x')}",
        f"{part({'alg': {'RS256': 1}, 'kid': 'first'})}.{part(claims())}.{part(b'x')}",
        f"{part({'alg': 'RS256', 'kid': 'first', 'crit': ['x']})}.{part(claims())}.{part(b'x')}",
        f"{part({'alg': 'RS256', 'kid': 'first', 'b64': False})}..{part(b'x')}",
        f"{part({'kid': 'first'})}.{part(claims())}.{part(b'x')}",
    ],
    ids=lambda text: repr(text)[:40],
)
def test_garbage_is_refused(way: tuple[TokenVerifier, Sign], text: str) -> None:
    verifier, _ = way
    assert refusal(verifier, text).get_codes() == "invalid_token"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", part(b"x")])
def test_an_unsigned_token_is_refused(
    way: tuple[TokenVerifier, Sign], algorithm: str, signature: str
) -> None:
    verifier, _ = way
    header = {"alg": algorithm, "kid": "first", "typ": "JWT"}
    refusal(verifier, f"{part(header)}.{part(claims(roles=['admin']))}.{signature}")


def test_a_public_key_is_not_taken_for_a_secret(issuer: Issuer) -> None:
    verifier = TokenVerifier(issuer.settings())
    pem = (
        private_key("first")
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    for algorithm in ("HS256", "RS256"):
        body = f"{part({'alg': algorithm, 'kid': 'first'})}.{part(claims(roles=['admin']))}"
        signature = hmac.digest(pem, body.encode(), hashlib.sha256)
        refusal(verifier, f"{body}.{part(signature)}")


def test_a_secret_that_the_issuer_shows_is_not_a_key(issuer: Issuer) -> None:
    shown = {"kty": "oct", "kid": "oct", "use": "sig", "k": part(SECRET.encode())}
    with running_issuer() as other:
        other.shows = {"keys": [shown, public_key("first")]}
        verifier = TokenVerifier(other.settings(algorithms=("HS256", "RS256")))
        assert verifier.caller(token()).user_id == "ann"
        refusal(verifier, jwt.encode(claims(), SECRET, "HS256", headers={"kid": "oct"}))


def test_an_algorithm_that_is_not_listed_is_refused(issuer: Issuer) -> None:
    other = jwt.encode(claims(), private_key("first"), "RS384", headers={"kid": "first"})
    refusal(TokenVerifier(issuer.settings()), other)
    longer = jwt.encode(claims(), SECRET * 2, "HS512")
    refusal(TokenVerifier(secret_settings(secret=SECRET * 2)), longer)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS384", 5, ["RS256"]])
def test_a_token_that_can_not_be_accepted_makes_no_fetch(algorithm: Any) -> None:
    header = {"alg": algorithm, "kid": "unknown"}
    with running_issuer() as issuer:
        refusal(TokenVerifier(issuer.settings()), f"{part(header)}.{part(claims())}.{part(b'x')}")
        assert issuer.asked == 0


def test_somebody_elses_signature_is_refused(issuer: Issuer) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(claims(), stranger, "RS256", headers={"kid": "first"})
    assert "signature" in str(refusal(TokenVerifier(issuer.settings()), forged).detail)
    guessed = jwt.encode(claims(), "another-secret-of-32-bytes-at-least!", "HS256")
    assert "signature" in str(refusal(TokenVerifier(secret_settings()), guessed).detail)


def test_a_changed_token_is_refused(way: tuple[TokenVerifier, Sign]) -> None:
    verifier, sign = way
    header, _, signature = sign().split(".")
    refusal(verifier, f"{header}.{part(claims(roles=['admin']))}.{signature}")


def test_keys_that_the_token_brings_along_are_not_looked_at(issuer: Issuer) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    own = jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    with running_issuer() as other:
        other.shows = {"keys": [{**own, "kid": "own"}]}
        headers = {"kid": "first", "jwk": own, "jku": other.url, "x5u": other.url}
        forged = jwt.encode(claims(), stranger, "RS256", headers=headers)
        refusal(TokenVerifier(issuer.settings()), forged)
        assert other.asked == 0


def test_a_key_that_is_too_short_is_refused() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    shown = jwt.algorithms.RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True)
    with running_issuer() as issuer:
        issuer.shows = {"keys": [{**shown, "kid": "weak"}]}
        verifier = TokenVerifier(issuer.settings())
        with pytest.warns(jwt.InsecureKeyLengthWarning):
            signed = jwt.encode(claims(), weak, "RS256", headers={"kid": "weak"})
        refusal(verifier, signed)


def test_a_huge_token_is_refused_before_it_is_read(way: tuple[TokenVerifier, Sign]) -> None:
    verifier, sign = way
    good = sign(filling="x" * LONGEST_TOKEN)
    assert "too long" in str(refusal(verifier, good).detail)


@pytest.mark.parametrize(
    ("claim", "claims", "admin"),
    [
        ("roles", {"roles": ["user", "admin"]}, True),
        ("roles", {"roles": "admin"}, True),
        ("roles", {"roles": "user admin"}, True),
        ("roles", {"roles": []}, False),
        ("roles", {"roles": "administrator"}, False),
        ("roles", {"roles": ["Admin", "admin "]}, False),
        ("roles", {"roles": {"admin": True}}, False),
        ("roles", {"roles": [["admin"], {"name": "admin"}, 5, None]}, False),
        ("roles", {"roles": True}, False),
        ("roles", {}, False),
        ("realm_access.roles", {"realm_access": {"roles": ["admin"]}}, True),
        ("realm_access.roles", {"realm_access": "admin"}, False),
        ("realm_access.roles", {"realm_access": [{"roles": ["admin"]}]}, False),
        ("realm_access.roles", {"roles": ["admin"]}, False),
        ("https://sale.example/roles", {"https://sale.example/roles": ["admin"]}, True),
    ],
)
def test_the_admin_role_is_where_the_settings_say(
    claim: str, claims: dict[str, Any], admin: bool
) -> None:
    verifier = TokenVerifier(secret_settings(roles_claim=claim))
    assert (ADMIN in verifier.caller(secret_token(**claims)).roles) is admin


def test_no_other_role_of_a_token_gives_a_role_of_ours() -> None:
    verifier = TokenVerifier(secret_settings(admin_role="organiser"))
    roles = ["admin", "staff", "events.add_event", "bookings.view_booking"]
    assert verifier.caller(secret_token(roles=roles)).roles == frozenset()


def test_the_admin_role_may_have_another_name() -> None:
    verifier = TokenVerifier(secret_settings(admin_role="organiser"))
    assert ADMIN in verifier.caller(secret_token(roles=["organiser"])).roles
    assert ADMIN not in verifier.caller(secret_token(roles=["admin"])).roles
