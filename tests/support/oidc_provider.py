"""A small OpenID provider: discovery, keys, a log-in page and the exchange of codes. It can be cut
and frozen, and made to lie."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import httpx
import jwt

from tests.support.issuer import private_key, public_key
from tests.support.tcp_proxy import TcpProxy

CLIENT_ID = "tickets"
CLIENT_SECRET = "the secret of tickets: 100 %"
_FORM = """<!doctype html><html lang="en"><head><title>Provider</title></head><body><main>
<h1>Sign in at the provider</h1><form method="post"><label>Name <input name="login"></label>
<button name="answer" value="yes">Sign in</button> <button name="answer" value="no">Cancel</button>
</form></main></body></html>"""


@dataclass
class Grant:
    """What a code stands for."""

    asked: dict[str, str]
    subject: str


class Provider:
    """`claims` change an id_token's; None leaves one out. `configuration` changes what discovery
    says."""

    def __init__(self, proxy: TcpProxy) -> None:
        self.proxy = proxy
        self.url = f"http://127.0.0.1:{proxy.port}"
        self.redirect_uris: set[str] = set()
        self.claims: dict[str, Any] = {}
        self.configuration: dict[str, Any] = {}
        self.signs_with = "first"
        self.algorithm = "RS256"
        self.token_status = 200
        self.asked_for: list[str] = []
        self._grants: dict[str, Grant] = {}

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.configuration,
        }

    def approve(self, address: str, subject: str) -> str:
        """What a person does there, without a browser. Returns where it leads back to."""
        answer = httpx.post(address, data={"login": subject, "answer": "yes"}, trust_env=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def grant(self, asked: dict[str, str], login: str) -> str:
        assert asked["redirect_uri"] in self.redirect_uris, asked
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self._grants[code] = Grant(asked, login)
        return code

    def exchange(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """None if it doesn't accept them."""
        grant = self._grants.pop(form.get("code", ""), None)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if grant is None or [*map(unquote, pair.split(":"))] != [CLIENT_ID, CLIENT_SECRET]:
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != grant.asked["code_challenge"]:
            return None
        if form["redirect_uri"] != grant.asked["redirect_uri"]:
            return None
        return {"access_token": "x", "token_type": "Bearer", "id_token": self._id_token(grant)}

    def _id_token(self, grant: Grant) -> str:
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": grant.subject,
            "iat": now,
            "exp": now + 300,
            "nonce": grant.asked["nonce"],
            "name": grant.subject.title(),
            "email": f"{grant.subject}@example.com",
            **self.claims,
        }
        claims = {name: value for name, value in said.items() if value is not None}
        key: Any = private_key(self.signs_with)
        if self.algorithm == "none":
            key = None
        elif self.algorithm == "HS256":
            key = CLIENT_SECRET.ljust(32)
        return jwt.encode(claims, key, self.algorithm, headers={"kid": self.signs_with})


@contextmanager
def running_provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            provider.asked_for.append(path)
            if path == "/authorize":
                self._send(200, _FORM, "text/html; charset=utf-8")
            elif path == "/keys":
                self._send_json(200, {"keys": [public_key("first")]})
            elif path == "/.well-known/openid-configuration":
                self._send_json(200, provider.discovery())
            else:
                self._send_json(404, {})

        def do_POST(self) -> None:
            url = urlsplit(self.path)
            provider.asked_for.append(url.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if url.path == "/authorize":
                self._lead_back(dict(_pairs(url.query)), form)
            elif provider.token_status != 200:
                self._send_json(provider.token_status, {"error": "server_error"})
            else:
                found = provider.exchange(form, self.headers.get("Authorization", ""))
                self._send_json(200 if found else 400, found or {"error": "invalid_grant"})

        def _lead_back(self, asked: dict[str, str], form: dict[str, str]) -> None:
            if form["answer"] == "yes":
                answer = {"code": provider.grant(asked, form["login"])}
            else:
                answer = {"error": "access_denied"}
            query = urlencode({**answer, "state": asked["state"], "iss": provider.url})
            self.send_response(303)
            self.send_header("Location", f"{asked['redirect_uri']}?{query}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send_json(self, status: int, body: Any) -> None:
            self._send(status, json.dumps(body), "application/json")

        def _send(self, status: int, body: str, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        proxy = TcpProxy("127.0.0.1", server.server_port)
        provider = Provider(proxy)
        try:
            yield provider
        finally:
            proxy.close()
            server.shutdown()
            thread.join()


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    return ((name, values[0]) for name, values in parse_qs(query).items())
