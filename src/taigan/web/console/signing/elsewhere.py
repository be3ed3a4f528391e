"""Signing in from elsewhere (OpenID Connect): what a browser carries to the provider and back, and who it says came."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

WITHIN = timedelta(minutes=10)
"""So long a person may take at the provider."""
LONGEST_NAME, LONGEST_SUBJECT = 64, 255


class Unreached(Exception):
    """The provider did not answer, or not as one does."""


class NotVouched(Exception):
    """The provider, or what it sent, does not say who came."""


class Identity(msgspec.Struct, frozen=True):
    """An account at a provider. `issuer` and `subject` are what it is; `name` is for people to know it by."""

    issuer: str
    subject: str
    name: str


class Flow(msgspec.Struct, frozen=True):
    """One way to the provider and back. `linking` is whose account it is to be linked to; empty: somebody signs in."""

    state: str
    nonce: str
    verifier: str
    began_at: datetime
    next: str = ""
    linking: str = ""

    @property
    def challenge(self) -> str:
        """What the provider keeps of the verifier (RFC 7636, S256)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def digest(self) -> bytes:
        """What a session keeps of the state."""
        return hashlib.sha256(self.state.encode()).digest()

    def fits(self, state: str, now: datetime) -> bool:
        """Whether that is the way back of this very flow, in time."""
        same = hmac.compare_digest(self.state.encode(), state.encode())
        return same and timedelta() <= now - self.began_at < WITHIN


class Provider(Protocol):
    """Where persons may sign in instead of by password. `name` is what people call it; `console_url` is where it sends
    them back to."""

    issuer: str
    name: str
    console_url: str

    async def address(self, flow: Flow) -> str:
        """Where a browser is sent so that its person signs in there. Raises Unreached."""

    async def check_sender(self, sender: str) -> None:
        """Raise NotVouched where the way back does not come from this provider (RFC 9207); Unreached."""

    async def identify(self, code: str, flow: Flow) -> Identity:
        """Who came back with this code. Raises Unreached, NotVouched."""


def new_flow(now: datetime, *, to: str = "", linking: str = "") -> Flow:
    """A way to the provider that nobody can guess. `to` is the page that is shown at its end."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Flow(state, nonce, verifier, now, to, linking)


def printable(value: object, longest: int) -> str:
    """A text that a provider sent, fit to be kept and shown; empty where it is none."""
    text = value if isinstance(value, str) else ""
    return "".join(sign for sign in text if sign.isprintable())[:longest].strip()
