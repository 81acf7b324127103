"""An identity provider (OpenID Connect): the authorization code flow with PKCE, and what it says of a person.

Of its answer one thing is kept: a digest of who vouches and what they call the person. No name, address or token.

Source: OpenID Connect Core 1.0, https://openid.net/specs/openid-connect-core-1_0.html, sections 3.1.2, 3.1.3.7;
Discovery 1.0, section 4; PKCE, https://www.rfc-editor.org/rfc/rfc7636.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import jwt

from backend.domain.errors import DomainError
from backend.domain.people import secret_digest
from backend.domain.people_errors import BadIdentity
from backend.domain.strict_json import InvalidJson, read_json

_ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""Signatures that only the provider can make; none that a shared secret makes, and never `none`."""
_CLOCK_SECONDS: Final = 60
_ANSWER_BYTES_MAX: Final = 1024 * 1024
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class ProviderAway(DomainError):
    """The identity provider does not answer."""

    slug = "provider-away"
    title = "The identity provider does not answer"


@dataclass(frozen=True)
class _Discovered:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass
class OidcProvider:
    """One provider; what it says of itself is read when it is first needed, and its keys again when one is new."""

    issuer: str
    client_id: str
    client_secret: str = ""
    timeout_seconds: float = 10.0
    _known: _Discovered | None = field(default=None, init=False)
    _keys: dict[str, Any] = field(default_factory=dict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def address(self, *, state: str, nonce: str, verifier: str, redirect: str) -> str:
        """Return where a browser is sent to sign in.

        Raises:
            ProviderAway: the provider does not answer.
            BadIdentity: what it says of itself cannot be used.
        """
        asked = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self.client_id,
            "redirect_uri": redirect,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        endpoint = self._discovered().authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def identity(self, *, code: str, nonce: str, verifier: str, redirect: str, now: int) -> str:
        """Return the digest of the identity that a code stands for.

        Raises:
            ProviderAway: the provider does not answer.
            BadIdentity: it takes the code for none of its own, or its token does not hold.
        """
        token = self._redeem(code, verifier, redirect)
        claims = self._claims(token)
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self.issuer or self.client_id not in audiences:
            raise BadIdentity("the token is for somebody else, or by somebody else")
        if len(audiences) > 1 and claims.get("azp") != self.client_id:
            raise BadIdentity("the token was made for another client")
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise BadIdentity("the token answers another question")
        expires_at, issued_at = claims.get("exp"), claims.get("iat")
        if not isinstance(expires_at, int | float) or not isinstance(issued_at, int | float):
            raise BadIdentity("the token does not say when it was made and how long it counts")
        if now >= expires_at + _CLOCK_SECONDS or issued_at > now + _CLOCK_SECONDS:
            raise BadIdentity("the token is too old, or not of this time")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise BadIdentity("the token names nobody")
        return secret_digest("identity", f"{self.issuer}\n{subject}")

    def _redeem(self, code: str, verifier: str, redirect: str) -> str:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        headers = {}
        if self.client_secret:
            # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            asked["client_id"] = self.client_id
        answer = self._ask("POST", self._discovered().token_endpoint, data=asked, headers=headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise BadIdentity("it brings no identity token")
        return token

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key_id, algorithm = str(header.get("kid", "")), header.get("alg")
            if algorithm not in _ALGORITHMS:
                raise BadIdentity("the token is signed in a way that is not accepted")
            key = self._key(key_id)
            # Times are judged by the caller's clock, and audience and issuer with the rest.
            asked = {"verify_signature": True, **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf"), False)}
            asked |= dict.fromkeys(("verify_aud", "verify_iss", "verify_sub", "verify_jti"), False)
            claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=asked)  # type: ignore[arg-type]
        except jwt.PyJWTError as error:
            raise BadIdentity(f"the token does not verify ({type(error).__name__})") from error
        return claims

    def _key(self, key_id: str) -> Any:
        if key_id not in self._keys:
            answer = self._ask("GET", self._discovered().jwks_uri)
            listed = answer.get("keys")
            usable = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
            keys = {}
            for key in usable:
                if key.get("use", "sig") == "sig" and key.get("kty") in ("RSA", "EC"):
                    keys[str(key.get("kid", ""))] = jwt.PyJWK(key)
            with self._lock:
                self._keys = keys
        if key_id not in self._keys:
            raise BadIdentity("the token is signed with a key that the provider does not name")
        return self._keys[key_id]

    def _discovered(self) -> _Discovered:
        if self._known is None:
            said = self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if said.get("issuer") != self.issuer:
                raise BadIdentity("the provider calls itself by another name")
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            found = [said.get(name) for name in names]
            if not all(isinstance(address, str) and _is_safe(address) for address in found):
                raise BadIdentity("the provider names an address that is not https")
            self._known = _Discovered(self.issuer, *map(str, found))
        return self._known

    def _ask(self, method: str, address: str, **given: Any) -> dict[str, Any]:
        if not _is_safe(address):
            raise BadIdentity("the provider's address is not https")
        try:
            answer = httpx.request(method, address, timeout=self.timeout_seconds, follow_redirects=False, **given)
        except httpx.HTTPError as error:
            raise ProviderAway(f"{type(error).__name__} while asking the identity provider") from error
        if answer.status_code >= 500:
            raise ProviderAway(f"the identity provider answers {answer.status_code}")
        if not answer.is_success or len(answer.content) > _ANSWER_BYTES_MAX:
            raise BadIdentity(f"the provider answers {answer.status_code}")
        try:
            said = read_json(answer.content)
        except InvalidJson as error:
            raise BadIdentity("the provider's answer is no JSON") from error
        if not isinstance(said, dict):
            raise BadIdentity("the provider's answer is no object")
        return said


def _challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _is_safe(address: str) -> bool:
    """Say whether nobody on the way can read or change what is asked there."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
