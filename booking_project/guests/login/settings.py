"""The settings of the guests' log-in, read and checked together."""

from dataclasses import dataclass, field

from shared.auth.settings import JwtSettings
from shared.conf.env import URL, Environment, ValidationError

CALLBACK_PATH = "/sign-in/callback"
_HTTP_URL = URL(schemes={"http", "https"}, require_tld=False)


@dataclass(frozen=True)
class OidcSettings:
    """What the issuer knows of this service. Without a `client_secret` it is a public client."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    algorithms: tuple[str, ...]


def read_oidc_settings(
    env: Environment, *, jwt: JwtSettings | None, public_url: str
) -> OidcSettings | None:
    """None without a client, or if AUTH_MODE doesn't ask for tokens."""
    client_id = env.str(
        "OIDC_CLIENT_ID",
        "",
        help="The id under which the issuer knows the booking service, so that guests can sign in "
        f"on its pages. Register `BOOKING_PUBLIC_URL{CALLBACK_PATH}` there as the redirect URI. "
        "Without it, the pages with `AUTH_MODE=jwt` can only be read.",
    )
    client_secret = env.str(
        "OIDC_CLIENT_SECRET",
        "",
        help="The client's secret. Without it, the issuer must accept a public client with PKCE.",
    )
    named = env.str(
        "OIDC_ISSUER",
        "",
        help="The issuer's URL, to which `/.well-known/openid-configuration` is added, if "
        "`JWT_ISSUER` is another. A `sub` must mean the same user in both.",
    )
    if jwt is None or not client_id:
        return None
    issuer = named or jwt.issuer or ""
    if not public_url:
        env.refuse("OIDC_CLIENT_ID", "It needs BOOKING_PUBLIC_URL, to which the issuer leads back.")
    try:
        _HTTP_URL(issuer)
    except ValidationError:
        env.refuse("OIDC_ISSUER", "With OIDC_CLIENT_ID, it or JWT_ISSUER must be a URL.")
    return OidcSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        redirect_uri=f"{public_url}{CALLBACK_PATH}",
        # A secret that issuer and services share is not what an identity is signed with.
        algorithms=jwt.algorithms if jwt.jwks_url else ("RS256",),
    )
