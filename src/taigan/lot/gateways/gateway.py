"""What an SMS gateway does, whoever runs it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec


class SmsFailed(Exception):
    """The gateway did not take the message, or did not answer the question; the text holds no phone number."""


class Arrival(enum.StrEnum):
    """What became of a message that was taken."""

    UNKNOWN = "unknown"
    ARRIVED = "arrived"
    FAILED = "failed"


class Receipt(msgspec.Struct, frozen=True):
    """What the network said of a message; `detail` is its own code or words."""

    arrival: Arrival
    detail: str = ""


class Registration(msgspec.Struct, frozen=True):
    """Whether messages may be signed as the settings say; `detail` is what the company says of it."""

    usable: bool
    detail: str = ""


class SmsGateway(Protocol):
    """The way to a driver's phone."""

    async def send(self, mobile: str, code: str, lot_name: str) -> str:
        """Send a code. Returns the message's number there; empty: there will be no receipt. Raises SmsFailed."""

    async def receipt(self, mobile: str, number: str, sent_at: datetime) -> Receipt:
        """Ask what became of a message. Raises SmsFailed."""

    async def registration(self) -> Registration:
        """Ask whether the signature is registered. Raises SmsFailed."""


class Poster(Protocol):
    """Posts bodies, with headers of one's own."""

    async def post(
        self, url: str, body: bytes, *, timeout: float, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """The HTTP status and the body of the answer. Raises `bolink.BolinkError`."""


class NoGateway:
    """None is set up: nothing can be sent."""

    async def send(self, mobile: str, code: str, lot_name: str) -> str:
        raise SmsFailed("no SMS gateway is set up ([lot] sms_provider)")

    async def receipt(self, mobile: str, number: str, sent_at: datetime) -> Receipt:
        return Receipt(Arrival.UNKNOWN)

    async def registration(self) -> Registration:
        return Registration(True, "no gateway, no signature")


def in_china(mobile: str) -> str:
    """A phone number without the country's code, as drivers write it."""
    return mobile.removeprefix("+86").removeprefix("0086").strip()
