"""What is looked at, as the configuration has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from taigan.bolink import Addresses
from taigan.bolink.wire.client import Transport
from taigan.lot.gateways.gateway import SmsGateway
from taigan.pictures.store import Store

ANSWERS_WITHIN = 5.0
"""Seconds that anybody who is asked gets; BoLink itself waits no longer for a callback."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as the configuration has it; `callback_url` is where its messages arrive."""

    union_id: str
    key: str
    callback_url: str


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """Where a signed call can be tried: the side that is used, and the others that BoLink has."""

    transport: Transport
    own: Addresses
    others: Sequence[Addresses] = ()


class Sms(msgspec.Struct, frozen=True, kw_only=True):
    """Who carries codes to phones: `provider` as in the settings; at most how many an hour for a lot, for a phone."""

    provider: str
    gateway: SmsGateway
    per_lot: int
    per_phone: int


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at. An empty `token` is none; `bolink_url` is any address at BoLink or its stand-in."""

    data: Path
    database_url: str
    platform_url: str
    token: str
    bolink_url: str
    queue_alarm_after: float
    accounts: Sequence[Account] = ()
    files: Sequence[Path] = ()
    """The configuration and the files with keys and tokens that it names."""
    secrets: Sequence[str] = ()
    """Every token of the configuration."""
    open_devices: Sequence[str] = ()
    """Devices that may post without the secret in their address."""
    brokers: Sequence[tuple[str, str, bool]] = ()
    """For each lane over MQTT: its name, its broker's address, whether a user signs in there."""
    sms: Sms | None = None
    """Nobody carries codes: none."""
    pictures: tuple[str, Store] | None = None
    """Where pictures are kept, as a person would name it."""
    peers: Peers | None = None
    """None: no call is signed."""
    polls: bool = False
    """BoLink's messages are fetched: there is no callback address."""
    answers_within: float = ANSWERS_WITHIN
    """Seconds that whoever is asked over HTTP has."""
