"""An issuer of tokens: its keys, a real server that serves the public ones, and a proxy that can be
cut and frozen."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from shared.auth.settings import JwtSettings
from tests.support.tcp_proxy import TcpProxy

NAME = "https://issuer.example"
AUDIENCE = "reservations"
SECRET = "a-secret-of-the-tests-with-32-bytes-at-least"


@cache
def private_key(kid: str) -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_key(kid: str, **members: Any) -> dict[str, Any]:
    shown: dict[str, Any] = RSAAlgorithm.to_jwk(private_key(kid).public_key(), as_dict=True)
    return {**shown, "kid": kid, "use": "sig", "alg": "RS256", **members}


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a valid token of `ann`; None leaves a claim out."""
    now = int(time.time())
    good = {"iss": NAME, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 3600}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(kid: str = "first", **changes: Any) -> str:
    return jwt.encode(claims(**changes), private_key(kid), "RS256", headers={"kid": kid})


def secret_token(**changes: Any) -> str:
    return jwt.encode(claims(**changes), SECRET, "HS256")


def secret_settings(**changes: Any) -> JwtSettings:
    return JwtSettings(
        **{
            "issuer": NAME,
            "audience": AUDIENCE,
            "algorithms": ("HS256",),
            "secret": SECRET,
            **changes,
        }
    )


class Issuer:
    def __init__(self, proxy: TcpProxy) -> None:
        self.proxy = proxy
        self.url = f"http://127.0.0.1:{proxy.port}/keys"
        self.shows: Any = {"keys": [public_key("first")]}
        self.status = 200
        self.asked = 0
        # Takes the place of all that is shown: what a hostile issuer sends, piece by piece.
        self.sends: Callable[[], Iterator[bytes]] | None = None
        self.sent = 0

    def settings(self, **changes: Any) -> JwtSettings:
        return JwtSettings(
            **{
                "issuer": NAME,
                "audience": AUDIENCE,
                "algorithms": ("RS256",),
                "jwks_url": self.url,
                **changes,
            }
        )


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            if issuer.sends is not None:
                self._send_pieces(issuer.sends())
                return
            shown = issuer.shows
            body = shown if isinstance(shown, bytes) else json.dumps(shown).encode()
            self.send_response(issuer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _send_pieces(self, pieces: Iterator[bytes]) -> None:
            with suppress(OSError):  # the client closed the connection
                for piece in pieces:
                    self.wfile.write(piece)
                    issuer.sent += len(piece)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        proxy = TcpProxy("127.0.0.1", server.server_port)
        issuer = Issuer(proxy)
        try:
            yield issuer
        finally:
            proxy.close()
            server.shutdown()
            thread.join()
