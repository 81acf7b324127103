"""A small identity provider on loopback: discovery, keys, the authorization code flow, and lies on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


@dataclass
class Provider:
    """Whom it signs in, what it lies about, and what it was asked."""

    client_id: str = "huanlian"
    client_secret: str = "s%cret: 环"
    issuer: str = ""
    subject: str = "employee-4711"
    now: int = 0
    algorithm: str = "RS256"
    claims: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    signs_with: Any = None
    key_id: str = "k1"
    fails_with: int = 0
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    rsa: Any = field(default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048))
    ec: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.discovery,
        }

    def keys(self) -> dict[str, Any]:
        one = json.loads(RSAAlgorithm.to_jwk(self.rsa.public_key())) | {"kid": "k1", "use": "sig"}
        other = json.loads(ECAlgorithm.to_jwk(self.ec.public_key())) | {"kid": "k2", "use": "sig"}
        return {"keys": [one, other, {"kty": "oct", "kid": "k3", "k": "c2VjcmV0"}]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Sign the one person in whom it knows; return where their browser goes."""
        assert asked["client_id"] == self.client_id
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"] == "openid"
        code = secrets.token_urlsafe(12)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote(given[0]), unquote(given[2])) != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client"}
        begun = self.codes.pop(asked.get("code", ""), None)
        verifier = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        if (
            begun is None
            or begun["redirect_uri"] != asked.get("redirect_uri")
            or begun["code_challenge"] != base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        ):
            return 400, {"error": "invalid_grant"}
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": self.subject,
            "nonce": begun["nonce"],
            "iat": self.now,
            "exp": self.now + 300,
            "email": "lao.wang@example.org",
            "name": "王某某",
        }
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        key = self.signs_with or {"RS256": self.rsa, "ES256": self.ec, "none": None}[self.algorithm]
        token = jwt.encode(claims, key, algorithm=self.algorithm, headers={"kid": self.key_id})
        return 200, {"access_token": "never-used", "token_type": "Bearer", "id_token": token}


@contextmanager
def serve_provider() -> Iterator[Provider]:
    """Serve one on a free loopback port until the block ends."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if provider.fails_with:
                self.say(provider.fails_with, {})
            elif parts.path == "/.well-known/openid-configuration":
                self.say(200, provider.described())
            elif parts.path == "/keys":
                self.say(200, provider.keys())
            elif parts.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(303)
                self.send_header("Location", provider.authorize(asked))
                self.end_headers()
            else:
                self.say(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            asked = {name: values[0] for name, values in parse_qs(body).items()}
            self.say(*provider.token(asked, self.headers.get("authorization", "")))

        def say(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
