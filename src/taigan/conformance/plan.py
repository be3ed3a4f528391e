"""What a run is told: which platform, what it claims to do, and how patient to be."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from taigan.conformance.catalogue import PROFILES
from taigan.conformance.model import BadConfiguration

REAL_BOLINK = "bolink.club"


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run. What `init` writes and `run` reads; times are in seconds and scaled by `patience`."""

    callback: str
    """The platform's address for BoLink's messages."""
    event_callback: str = ""
    """Its address for each event, with {service_name} in it; empty where it has none."""
    union_id: int
    park_id: str
    key: str
    """file:PATH or env:NAME."""
    entry_lanes: tuple[str, ...] = ("A1",)
    exit_lanes: tuple[str, ...] = ("B1",)
    profiles: tuple[str, ...] = ("signature", "entry")
    not_handled: dict[str, str] = {}
    """Sections or cases that the platform does not do, each with the reason."""
    loop: bool = False
    """Whether the entry lanes see cars (a loop, a camera)."""
    sms_check: bool = False
    """Whether 5.7 needs a verified mobile_number."""
    hub_listen: str = "127.0.0.1:8802"
    """Where the kit is BoLink for the platform's uploads; empty: nowhere (callbacks only)."""
    hub: str = ""
    """The address of a `taigan hub` that runs elsewhere and takes the uploads, in place of the kit's own."""
    hub_token: str = "env:TAIGAN_HUB_ADMIN_TOKEN"
    """That hub's admin_token: file:PATH or env:NAME."""
    hub_certificate: str = ""
    """PEM file with certificate and key, for platforms that only speak https."""
    hook: str = ""
    """The address of a hook, `ask` for a person, empty for none."""
    mobile_prefix: str = "100"
    """What the kit's made-up phone numbers begin with: 100 is nobody's. With a simulated gateway any other will do."""
    test_lot: bool = False
    strict: bool = False
    ci: bool = False
    """Cases that would need a person fail instead of asking."""
    plain: bool = False
    """Send no X-Taigan-Case header."""
    only: tuple[str, ...] = ()
    """Cases or sections to run; all when empty."""
    seed: int = 0
    patience: float = 1.0
    """Scales every wait of the kit's own."""
    answer_within: float = 5.0
    """The document's time-out of an answer; not scaled."""
    repeats: int = 2
    """How often a case that failed is run again, to tell failing from flapping."""
    at_once: int = 6
    """Cases that run side by side."""
    redact: bool = True

    @property
    def upload_within(self) -> float:
        """How long an upload may take that nothing stands in the way of but the pace that BoLink allows."""
        return 2.0 + 8.0 * self.patience

    @property
    def quiet(self) -> float:
        """The window at the end in which nothing more may come; a machine needs some of it whatever the patience."""
        return 0.6 + 2.4 * self.patience

    @property
    def outage(self) -> float:
        """How long the hub is down in 3.1/05."""
        return 60.0 * self.patience

    def read_key(self) -> str:
        """The vendor's key. Raises BadConfiguration."""
        return _secret("key", self.key)

    def read_hub_token(self) -> str:
        """The token for the running hub. Raises BadConfiguration."""
        return _secret("hub_token", self.hub_token)

    def check(self) -> None:
        """Is this allowed and complete? Raises BadConfiguration with one sentence."""
        if not self.test_lot:
            raise BadConfiguration(
                "this raises arms and makes orders: say with --test-lot (test_lot = true) that the lot is one for tests"
            )
        for name, address in (
            ("callback", self.callback),
            ("event_callback", self.event_callback),
            ("hook", self.hook),
            ("hub", self.hub),
        ):
            if address and address != "ask":
                check_address(name, address)
        for profile in self.profiles:
            if profile not in PROFILES:
                raise BadConfiguration(f"profiles: {profile} is none; there are {', '.join(PROFILES)}")
        if not self.entry_lanes and "entry" in self.profiles:
            raise BadConfiguration("entry_lanes: name one")
        if self.patience <= 0:
            raise BadConfiguration("patience: is above 0")


def _secret(name: str, where: str) -> str:
    """What stands at file:PATH or env:NAME. Raises BadConfiguration."""
    kind, _, place = where.partition(":")
    if kind == "env":
        value = os.environ.get(place, "")
        if not value:
            raise BadConfiguration(f"{name}: the variable {place} is not set")
        return value
    if kind != "file":
        raise BadConfiguration(f"{name}: write file:PATH or env:NAME, so that it is in no command line and no file")
    try:
        value = Path(place).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{name}: {place} cannot be read: {error}") from None
    if not value:
        raise BadConfiguration(f"{name}: {place} is empty")
    return value


def check_address(name: str, address: str) -> None:
    """Is it an address that the kit may speak to? Raises BadConfiguration."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadConfiguration(f"{name}: {address!r} is no http address")
    host = parts.hostname.rstrip(".").lower()
    if host == REAL_BOLINK or host.endswith(f".{REAL_BOLINK}"):
        raise BadConfiguration(
            f"{name}: {host} is BoLink itself; the kit plays BoLink and speaks to lot platforms only"
        )
    if parts.username or parts.password:
        raise BadConfiguration(f"{name}: holds a password, which would stand in the report")
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return
    if ip.is_multicast or ip.is_unspecified or ip == ipaddress.ip_address("169.254.169.254"):
        raise BadConfiguration(f"{name}: {host} is no address of a lot platform")


def read_plan(path: Path | None, given: dict[str, Any]) -> Plan:
    """The plan in a TOML file with what was given on the command line before it. Raises BadConfiguration."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise BadConfiguration(f"{path} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadConfiguration(f"{path}: {error}") from None
    values |= {name: value for name, value in given.items() if value is not None}
    for name in ("callback", "union_id", "park_id", "key"):
        if name not in values:
            raise BadConfiguration(f"{name}: is missing; give it in features.toml or on the command line")
    values["park_id"] = str(values["park_id"])
    try:
        plan = msgspec.convert(values, Plan)
    except msgspec.ValidationError as error:
        raise BadConfiguration(str(error)) from None
    plan.check()
    return plan


STARTING_FEATURES = """\
# 这个文件说明要检查的车场平台，以及它声称会做什么。 taigan conformance run --config features.toml --test-lot
# The lot platform to be judged, and what it claims to do.

callback = "http://127.0.0.1:8801/bolink"  # 平台收泊链消息的地址 where it takes BoLink's messages
# event_callback = "http://127.0.0.1:8801/bolink/{service_name}"  # 每种事件一个地址时 where it has an address per event
union_id = 200002
park_id = "21787"
key = "file:bolink.key"  # 或 or env:BOLINK_KEY

entry_lanes = ["A1"]
exit_lanes = ["B1"]
loop = false  # 入口车道看得见车吗 do the entry lanes see cars
sms_check = false

# 会做的：signature 签名, entry 无牌车入场 5.7 5.13 3.1, money 5.1-5.14 3.2, commands 11.x, pictures 5.4
profiles = ["signature", "entry"]

hub_listen = "127.0.0.1:8802"  # 平台的 hub_url 指到这里 point the platform's hub_url here
# hub = "http://hub.example:8800"  # 上报已经进了另一处的 taigan hub：看那里 or look at a taigan hub that takes them
# hub_token = "file:hub.token"  # 它的 its admin_token
# hook = "http://127.0.0.1:9000/hook"  # 看不见的问它 asked for what cannot be seen; "ask": 问人 a person

[not_handled]
# "5.6" = "退款在另一个系统里 refunds are in another system"
"""
"""What `taigan conformance init` writes."""
