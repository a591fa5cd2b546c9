"""The settings of authentication, read and checked together."""

from dataclasses import dataclass, field

from shared.conf.env import URL, Environment, Length, OneOf, Range, ValidationError

OPEN = "open"
JWT = "jwt"

# Each with the bytes that its secret must have (RFC 7518, 3.2).
_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
_PUBLIC_KEY_ALGORITHMS = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
]
_HTTP_URL = URL(schemes={"http", "https"}, require_tld=False)


@dataclass(frozen=True)
class JwtSettings:
    """What a token has to prove, and where its roles are. Either `jwks_url` or `secret` is set."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    jwks_url: str = ""
    secret: str = field(default="", repr=False)
    roles_claim: str = "roles"
    admin_role: str = "admin"
    keys_seconds: int = 600


def read_auth_mode(env: Environment, *, debug: bool) -> str:
    """`open` or `jwt`. It may be left out only with DEBUG and without keys, so that no one gets an
    open API by forgetting a line."""
    may_be_left_out = debug and not any(_read_keys(env))
    return env.str(
        "AUTH_MODE",
        OPEN if may_be_left_out else ...,
        validate=OneOf([OPEN, JWT]),
        help="With `open`, anyone may do anything, and the body says which user books. With "
        "`jwt`, callers send bearer tokens. `make run` sets `open` if it is empty. With `DEBUG` "
        "and without keys, the default is `open`.",
    )


def authentication_class(mode: str) -> str:
    """What makes a request's caller, by its import path."""
    name = "Open" if mode == OPEN else "TokenOrSession"
    return f"shared.auth.authentication.{name}"


def read_jwt_settings(env: Environment, *, mode: str) -> JwtSettings | None:
    """None unless `mode` asks for tokens."""
    if mode != JWT:
        return None
    url, secret = _read_keys(env)
    algorithms = _algorithms(env, uses_secret=bool(secret))
    if bool(url) == bool(secret):
        env.refuse(
            "JWT_JWKS_URL, JWT_SECRET", "With AUTH_MODE=jwt exactly one of them must be set."
        )
    elif url:
        _refuse_bad_url(env, url)
    else:
        _refuse_short_secret(env, secret, algorithms)
    return JwtSettings(
        issuer=env.str(
            "JWT_ISSUER",
            validate=Length(min=1),
            help="The `iss` that a token must have. Only used with `AUTH_MODE=jwt`.",
        ),
        audience=env.str(
            "JWT_AUDIENCE",
            validate=Length(min=1),
            help="The `aud` that a token must have. Only used with `AUTH_MODE=jwt`.",
        ),
        algorithms=algorithms,
        jwks_url=url,
        secret=secret,
        roles_claim=env.str(
            "JWT_ROLES_CLAIM",
            "roles",
            validate=Length(min=1),
            help="The claim with the caller's roles, a list or a string. Dots make a path, such as "
            "`realm_access.roles`.",
        ),
        admin_role=env.str(
            "JWT_ADMIN_ROLE",
            "admin",
            validate=Length(min=1),
            help="The role that makes an admin.",
        ),
        keys_seconds=env.int(
            "JWT_KEYS_SECONDS",
            600,
            validate=Range(min=30, max=86400),
            help="How long fetched keys of the issuer are used, in seconds. They are refreshed "
            "after half of that.",
        ),
    )


def _read_keys(env: Environment) -> tuple[str, str]:
    """`JWT_JWKS_URL` and `JWT_SECRET`."""
    url = env.str(
        "JWT_JWKS_URL",
        "",
        help="Where the issuer publishes its public keys (JWKS). `AUTH_MODE=jwt` needs this or "
        "`JWT_SECRET`. Use https unless the network is yours.",
    )
    secret = env.str(
        "JWT_SECRET",
        "",
        help="A secret that the issuer and the services share: 32 bytes or more, 48 for HS384, 64 "
        "for HS512.",
    )
    return url, secret


def _algorithms(env: Environment, *, uses_secret: bool) -> tuple[str, ...]:
    """Those of one family only: with both, a public key could be passed off as a secret."""
    family = list(_SECRET_BYTES) if uses_secret else _PUBLIC_KEY_ALGORITHMS
    named = env.list(
        "JWT_ALGORITHMS",
        family[:1],
        help="Of one family: RS256 … ES512 and EdDSA with `JWT_JWKS_URL`; HS256 (then the "
        "default), HS384 and HS512 with `JWT_SECRET`.",
    )
    if not named or not set(named) <= set(family):
        known = ", ".join(family)
        source = "JWT_SECRET" if uses_secret else "JWT_JWKS_URL"
        env.refuse("JWT_ALGORITHMS", f"With {source} it must be some of {known}.")
    return tuple(named)


def _refuse_bad_url(env: Environment, url: str) -> None:
    try:
        _HTTP_URL(url)
    except ValidationError:
        env.refuse("JWT_JWKS_URL", "It must be an http or https URL.")


def _refuse_short_secret(env: Environment, secret: str, algorithms: tuple[str, ...]) -> None:
    needed = max((_SECRET_BYTES.get(name, 0) for name in algorithms), default=0)
    if len(secret.encode()) < needed:
        env.refuse("JWT_SECRET", f"It must have at least {needed} bytes for {max(algorithms)}.")
