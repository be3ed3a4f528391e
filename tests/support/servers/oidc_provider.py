"""A provider of OpenID Connect, over HTTP: the server side of Authlib, with ID tokens that a test may spoil."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from taigan.clock import Clock
from taigan.web.asgi import Receive, Scope, Send, read_body, respond

CLIENT_ID, CLIENT_SECRET = "taigan console", "a secret/with+signs:that%need=escapes"
Claims = dict[str, Any]


Sign = Callable[[dict[str, Any], Claims, RSAKey], str]


@cache
def signing_key(kid: str) -> RSAKey:
    """The key of that name: to make one takes as long as all the rest of a test."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


class _Asked(OAuth2Request):
    """A request as Authlib wants it."""

    def __init__(self, method: str, form: dict[str, str], headers: dict[str, str]) -> None:
        super().__init__(method, "https://provider.example/", headers=headers)
        self.payload = BasicOAuth2Payload(form)
        self._form = form

    @property
    def form(self) -> dict[str, str]:
        return self._form


@dataclass
class _Code:
    """What a code stands for."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    subject: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class _Client(ClientMixin):  # type: ignore[misc]
    def __init__(self, redirect_uri: str, method: str) -> None:
        self.redirect_uri, self.method = redirect_uri, method

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class _Grant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def save_authorization_code(self, code: str, request: _Asked) -> None:
        said = request.payload.data
        kept = (said.get(name, "") for name in ("nonce", "subject", "code_challenge", "code_challenge_method"))
        self.server.codes[code] = _Code(code, said["redirect_uri"], said["scope"], *kept)

    def query_authorization_code(self, code: str, client: _Client) -> _Code | None:
        found: _Code | None = self.server.codes.get(code)
        return found

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        del self.server.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: _Code) -> str:
        return authorization_code.subject

    def create_token_response(self) -> tuple[int, Any, Any]:
        code: _Code = self.request.authorization_code
        status, token, headers = super().create_token_response()
        return status, {**token, "id_token": self.server.provider.id_token(code)}, headers


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, provider: OidcProvider) -> None:
        super().__init__(["openid", "profile"])
        self.provider = provider
        self.codes: dict[str, _Code] = {}
        self.register_token_generator("default", BearerTokenGenerator(lambda **_: "an-access-token"))
        self.register_grant(_Grant, [CodeChallenge(required=True)])

    def query_client(self, client_id: str) -> _Client | None:
        return self.provider.client if client_id == CLIENT_ID else None

    def save_token(self, token: Any, request: Any) -> None:
        pass

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass

    def create_oauth2_request(self, request: _Asked) -> _Asked:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, Any]:
        return status, body, headers


def sign(header: dict[str, Any], claims: Claims, key: RSAKey) -> str:
    return jwt.encode(header, claims, key, algorithms=["RS256"])


class OidcProvider:
    """An ASGI application. `issuer` is set once its address is known. `change` spoils the claims of each ID token,
    `sign` makes it out of header and claims. `hold` keeps answers back, `broken` is what is answered instead."""

    def __init__(self, clock: Clock, console_url: str = "http://lot", method: str = "client_secret_basic") -> None:
        self.clock = clock
        self.issuer = ""
        self.client = _Client(f"{console_url}/sign-in/oidc/back", method)
        self.key = signing_key("first")
        self.beside: list[Any] = [ECKey.generate_key("P-256", {"kid": "other"}).as_dict(private=False)]
        self.names = {"zhang": "张三"}
        self.change: Callable[[Claims], Claims | None] = lambda claims: None
        self.sign: Sign = sign
        self.about: dict[str, Any] = {}
        self.broken: tuple[int, bytes] | None = None
        self.hold: Callable[[], Any] | None = None
        self.asked: list[str] = []
        self._server = _Server(self)

    def rotate(self, kid: str) -> None:
        """Another key signs from now on; the one before is no longer listed."""
        self.key = signing_key(kid)

    def id_token(self, code: _Code) -> str:
        now = int(self.clock.now().timestamp())
        claims: Claims = {
            "iss": self.issuer,
            "sub": code.subject,
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": code.nonce,
            "preferred_username": self.names.get(code.subject, code.subject),
        }
        self.change(claims)
        return self.sign({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        self.asked.append(path)
        if self.hold is not None:
            await self.hold()
        if self.broken is not None:
            await respond(send, self.broken[0], self.broken[1], "application/json")
            return
        query = dict(parse_qsl(scope["query_string"].decode()))
        body = await read_body(receive, limit=64 * 1024, timeout=60) if method == "POST" else b""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        headers = {name.decode().title(): value.decode() for name, value in scope["headers"]}
        match path:
            case "/.well-known/openid-configuration":
                await _json(send, 200, self._about())
            case "/keys":
                await _json(send, 200, {"keys": [*self.beside, *KeySet([self.key]).as_dict(private=False)["keys"]]})
            case "/authorize":
                await self._authorize(send, method, query, form)
            case "/token":
                status, said, _ = self._token(form, headers)
                await _json(send, status, said)
            case _:
                await respond(send, 404, b"", "text/plain")

    def _about(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": [self.client.method],
            "response_types_supported": ["code"],
            **self.about,
        }

    async def _authorize(self, send: Send, method: str, query: dict[str, str], form: dict[str, str]) -> None:
        request = _Asked(method, {**query, **form}, {})
        try:
            grant = self._server.get_authorization_grant(request)
            redirect_uri = grant.validate_authorization_request()
            if method == "GET":
                await respond(send, 200, _page(), "text/html; charset=utf-8")
                return
            user = form.get("subject")
            status, _, headers = grant.create_authorization_response(redirect_uri, user)
        except OAuth2Error as error:
            status, said, headers = error()
            if status != 302:
                await _json(send, status, said)
                return
        location = dict(headers)["Location"]
        location += "" if "&state=" in location else f"&state={query['state']}"
        await respond(send, 302, b"", "text/plain", [(b"location", location.encode())])

    def _token(self, form: dict[str, str], headers: dict[str, str]) -> tuple[int, Any, Any]:
        answer: tuple[int, Any, Any] = self._server.create_token_response(_Asked("POST", form, _decoded(headers)))
        return answer


def _decoded(headers: dict[str, str]) -> dict[str, str]:
    """Number and secret come with escapes (RFC 6749 2.3.1), and Authlib reads them as they stand."""
    kind, _, pair = headers.get("Authorization", "").partition(" ")
    if kind != "Basic":
        return headers
    plain = ":".join(unquote_plus(part) for part in base64.b64decode(pair).decode().split(":"))
    return {**headers, "Authorization": f"Basic {base64.b64encode(plain.encode()).decode()}"}


def _page() -> bytes:
    title = html.escape("The provider")
    return (
        f'<!doctype html><html lang="en"><title>{title}</title><form method="post">'
        '<label>Subject <input name="subject"></label><button>Let me in</button></form>'
    ).encode()


async def _json(send: Send, status: int, said: Any) -> None:
    await respond(send, status, json.dumps(said).encode(), "application/json")
