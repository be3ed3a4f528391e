"""A provider of OpenID Connect: where it is, its keys, and what it says about who came back from it.

It is asked for its addresses and keys once an hour, and at once when a token is signed by a key that was not among
them. While it does not answer, it is left alone for some seconds: whoever wants to sign in there is told at once.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
import structlog

from taigan.bolink import BolinkError
from taigan.clock import Clock
from taigan.web.console.signing.elsewhere import (
    LONGEST_NAME,
    LONGEST_SUBJECT,
    Flow,
    Identity,
    NotVouched,
    Unreached,
    printable,
)
from taigan.web.console.signing.id_token import Keys, OtherKey, check_asked_again, check_claims

log = structlog.get_logger("taigan.web")

BACK = "/sign-in/oidc/back"
"""Where the provider sends browsers back to."""
ANSWERS_WITHIN = 5.0
KNOWN_FOR = 3600.0
LEFT_ALONE = 10.0
LARGEST = 256 * 1024


class Web(Protocol):
    """How requests get to the provider; `taigan.network.transport` is one."""

    async def get(self, url: str, *, timeout: float, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """The HTTP status and the body. Raises BolinkError when there is none in time."""

    async def post(
        self, url: str, body: bytes, *, timeout: float, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """The same for a body that is posted."""


class Addresses(msgspec.Struct):
    """What a provider says about itself (OpenID Connect Discovery 3), as far as we need it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = msgspec.field(default_factory=lambda: ["client_secret_basic"])
    authorization_response_iss_parameter_supported: bool = False


class _KeySet(msgspec.Struct):
    keys: list[Any]


class _Given(msgspec.Struct):
    id_token: str


class _Known(msgspec.Struct):
    addresses: Addresses
    keys: Keys
    until: float


class OidcClient:
    """Our side of one provider; one per process. `name` is what people call it, `claim` that of the token by which they
    know an account there; `ask_again`: whoever is signed in there already is asked who they are all the same."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        console_url: str,
        transport: Web,
        clock: Clock,
        *,
        name: str = "",
        claim: str = "preferred_username",
        ask_again: bool = False,
    ) -> None:
        self.issuer = issuer
        self.name = name
        self.console_url = console_url.rstrip("/")
        self._client_id, self._client_secret = client_id, client_secret
        self._transport = transport
        self._clock = clock
        self._claim = claim
        self._ask_again = ask_again
        self._known: _Known | None = None
        self._down_until = 0.0
        self._asking = asyncio.Lock()

    async def address(self, flow: Flow) -> str:
        """Where a browser is sent so that its person signs in there. Raises Unreached."""
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self.console_url + BACK,
            "scope": "openid profile",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
        }
        if self._ask_again:
            asked |= {"prompt": "login", "max_age": "0"}
        endpoint = (await self._found()).addresses.authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def check_sender(self, sender: str) -> None:
        """Raise NotVouched where the way back does not come from this provider (RFC 9207); Unreached."""
        found = (await self._found()).addresses
        if sender != self.issuer and (sender or found.authorization_response_iss_parameter_supported):
            raise NotVouched("the answer comes from another provider")

    async def identify(self, code: str, flow: Flow) -> Identity:
        """Who came back with this code. Raises Unreached, NotVouched."""
        token = await self._token(code, flow)
        claims = await self._claims(token)
        check_claims(claims, issuer=self.issuer, client_id=self._client_id, nonce=flow.nonce, now=self._clock.now())
        if self._ask_again:
            check_asked_again(claims, flow.began_at)
        subject = claims["sub"]
        if not subject or printable(subject, LONGEST_SUBJECT) != subject:
            raise NotVouched("the ID token names nobody: sub")
        return Identity(self.issuer, subject, printable(claims.get(self._claim), LONGEST_NAME))

    async def _token(self, code: str, flow: Flow) -> str:
        addresses = (await self._found()).addresses
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.console_url + BACK,
            "code_verifier": flow.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if "client_secret_basic" in addresses.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            asked |= {"client_id": self._client_id, "client_secret": self._client_secret}
        url = addresses.token_endpoint
        try:
            status, body = await self._transport.post(
                url, urlencode(asked).encode(), timeout=ANSWERS_WITHIN, headers=headers
            )
        except BolinkError as error:
            raise Unreached(str(error)) from None
        if 400 <= status < 500:
            raise NotVouched(f"the provider takes no code from us: {status} {printable(body.decode('latin-1'), 200)}")
        given: _Given = _read(url, status, body, _Given)
        return given.id_token

    async def _claims(self, token: str) -> dict[str, Any]:
        known = await self._found()
        try:
            return known.keys.claims(token)
        except OtherKey:
            return (await self._found(but=known)).keys.claims(token)

    async def _found(self, but: _Known | None = None) -> _Known:
        """What is known of the provider; `but` is what does not do. Raises Unreached."""
        async with self._asking:
            now = self._clock.monotonic()
            if self._known is not None and self._known is not but and now < self._known.until:
                return self._known
            if now < self._down_until:
                raise Unreached(f"{self.issuer}: it did not answer a moment ago")
            try:
                self._known = await self._ask()
            except Unreached as error:
                self._down_until = self._clock.monotonic() + LEFT_ALONE
                log.warning("the provider of sign-ins is not reached", error=str(error))
                raise
            return self._known

    async def _ask(self) -> _Known:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        addresses = await self._get(url, Addresses)
        if addresses.issuer != self.issuer:
            raise Unreached(f"{url}: it calls itself {addresses.issuer!r}, and lot.oidc_issuer {self.issuer!r}")
        schemes = {"https", urlsplit(self.issuer).scheme}
        for address in (addresses.authorization_endpoint, addresses.token_endpoint, addresses.jwks_uri):
            if (
                urlsplit(address).scheme not in schemes
                or not (address.isascii() and address.isprintable())
                or " " in address
            ):
                raise Unreached(f"{url}: {address!r} is no address to be asked")
        listed = await self._get(addresses.jwks_uri, _KeySet)
        return _Known(addresses, Keys(listed.keys), self._clock.monotonic() + KNOWN_FOR)

    async def _get(self, url: str, kind: type[Any]) -> Any:
        try:
            status, body = await self._transport.get(url, timeout=ANSWERS_WITHIN)
        except BolinkError as error:
            raise Unreached(str(error)) from None
        return _read(url, status, body, kind)


def _read(url: str, status: int, body: bytes, kind: type[Any]) -> Any:
    if status != 200:
        raise Unreached(f"{url}: status {status}")
    if len(body) > LARGEST:
        raise Unreached(f"{url}: the answer is larger than {LARGEST} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreached(f"{url}: not the answer of a provider: {error}") from None
