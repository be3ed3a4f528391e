"""The door for devices that post to us: whom it knows, whom it lets in, and how much they may bring."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote

import msgspec
import structlog

from taigan.barriers.barrier import LaneKey
from taigan.barriers.secrets import DeviceSecrets
from taigan.clock import Clock

log = structlog.get_logger()

REPORT_LIMIT = 64 * 1024
PICTURE_LIMIT = 4 * 1024 * 1024
TWO_SENDERS_WITHIN = 600.0
"""Seconds within which two addresses that speak for one device are an alarm."""
ALARM_EVERY = 3600.0
SIGNATURES_KEPT = 100_000

Serial = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^/+#\s]+$")]
Secret = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9_-]{16,64})?$")]


class PostingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device that posts to /devices/{driver}/{serial}/{secret}.

    `secret`: chosen by you (16 to 64 letters, digits, `-`, `_`); the platform makes one where it is empty. `from`: the
    device's network address, where nobody else may speak for it.
    """

    serial: Serial
    secret: Secret = ""
    sender: str = msgspec.field(name="from", default="")


@dataclass(frozen=True, slots=True)
class Post:
    """A request that a device made to us. `form` holds the fields of a form body; files in it are left out.

    `picture` is what stood in the field that the mailbox names for it, as it stood there.
    """

    body: bytes
    headers: Mapping[str, str]  # names in lower case
    form: Mapping[str, str]
    picture: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device is answered."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


PostHandler = Callable[[Post], Awaitable[Answer]]


@dataclass(slots=True, eq=False)
class Mailbox:
    """What stands behind a device's address. `warn` tells a person; `signs`: its posts are signed, so that its address
    needs no secret."""

    lane: LaneKey
    driver: str
    serial: str
    handle: PostHandler
    warn: Callable[[str], None]
    secret: str = ""
    sender: str = ""
    signs: bool = False
    forms: bool = False
    limit: int = REPORT_LIMIT
    picture: str = ""  # the field of its forms that holds one
    heard_from: dict[str, float] = field(default_factory=dict)
    alarmed_at: float | None = None

    @property
    def name(self) -> str:
        """As it is named in settings and logs."""
        return f"{self.driver}/{self.serial}"


class Door:
    """All devices of this process that post.

    `secrets` makes those that settings do not name; without it such a device needs none, as on a bench. `open_to` names
    devices ("driver/serial") that may still post without one.
    """

    def __init__(
        self, clock: Clock, secrets: DeviceSecrets | None = None, open_to: frozenset[str] = frozenset()
    ) -> None:
        self._clock = clock
        self._secrets = secrets
        self._open_to = open_to
        self._mailboxes: dict[tuple[str, str], Mailbox] = {}
        self._strangers: dict[str, float] = {}
        self._used: dict[str, float] = {}

    def put(self, mailbox: Mailbox) -> None:
        """Take what a device posts. Raises `ValueError` for a serial number that another lane has."""
        known = self._mailboxes.get((mailbox.driver, mailbox.serial))
        if known is not None and known.lane != mailbox.lane:
            raise ValueError(f"`serial` {mailbox.serial} belongs to another lane already")
        if self._secrets is not None:
            chosen = mailbox.signs or bool(mailbox.secret)
            self._secrets.note(mailbox.name, str(mailbox.lane), chosen=chosen)
        self._mailboxes[mailbox.driver, mailbox.serial] = mailbox
        if mailbox.name in self._open_to and not mailbox.signs:
            log.warning(
                "a device may post without a secret: whoever reaches this address and knows its serial raises the arm",
                device=mailbox.name,
                lane=str(mailbox.lane),
            )

    def take_away(self, driver: str, serial: str, handle: PostHandler) -> None:
        """Take nothing more from that device, unless another handler has its place by now."""
        known = self._mailboxes.get((driver, serial))
        if known is not None and known.handle == handle:
            del self._mailboxes[driver, serial]

    def find(self, driver: str, serial: str) -> Mailbox | None:
        """The device's mailbox; None for one nobody knows."""
        return self._mailboxes.get((driver, serial))

    def of_lane(self, lane: LaneKey) -> Mailbox | None:
        """The mailbox of a lane's device; None where it does not post to this process."""
        return next((mailbox for mailbox in self._mailboxes.values() if mailbox.lane == lane), None)

    def renew(self, mailbox: Mailbox) -> None:
        """Give a device, whose secret the platform made, another one: that before is refused from now on. Raises
        `SecretsUnusable`."""
        if self._secrets is not None:
            self._secrets.renew(mailbox.name)

    def secret(self, mailbox: Mailbox) -> str:
        """The secret in the device's address; empty for one that needs none. Raises `SecretsUnusable`."""
        made = self._made_here(mailbox)
        return made.of(mailbox.name) if made is not None else mailbox.secret

    def _made_here(self, mailbox: Mailbox) -> DeviceSecrets | None:
        return None if mailbox.secret or mailbox.signs else self._secrets

    def path(self, mailbox: Mailbox) -> str:
        """The device's address on this platform. Raises `SecretsUnusable`."""
        secret = self.secret(mailbox)
        return f"/devices/{mailbox.driver}/{quote(mailbox.serial, safe='')}" + (f"/{secret}" if secret else "")

    def knows(self, mailbox: Mailbox, secret: str, sender: str) -> bool:
        """Whether this is the device itself, or another one that is named to be let in without its secret."""
        made = self._made_here(mailbox)
        right = made.in_use(mailbox.name) if made is not None else mailbox.secret
        if hmac.compare_digest(secret.encode("utf-8", "replace"), right.encode()):
            return True
        if not secret and mailbox.name in self._open_to:
            return True
        self._note_stranger(mailbox, sender)
        return False

    def is_from(self, mailbox: Mailbox, sender: str) -> bool:
        """Whether the device may speak from this network address. Two for one device within minutes are an alarm."""
        if mailbox.sender and sender != mailbox.sender:
            self._alarm(mailbox, f"{sender} speaks for the device at {mailbox.sender}, and is not heard")
            return False
        now = self._clock.monotonic()
        others = [each for each, at in mailbox.heard_from.items() if each != sender and now - at < TWO_SENDERS_WITHIN]
        mailbox.heard_from[sender] = now
        if others:
            self._alarm(mailbox, f"{sender} and {others[0]} both speak for this device")
            for each in others:
                del mailbox.heard_from[each]
        return True

    def is_first(self, signature: str, within: float) -> bool:
        """Whether these signed bytes come for the first time, here or at any other lane, in so many seconds."""
        now = self._clock.monotonic()
        while self._used and (next(iter(self._used.values())) < now or len(self._used) >= SIGNATURES_KEPT):
            del self._used[next(iter(self._used))]
        if signature in self._used:
            return False
        self._used[signature] = now + within
        return True

    def _alarm(self, mailbox: Mailbox, text: str) -> None:
        now = self._clock.monotonic()
        log.warning("two senders for one device", device=mailbox.name, lane=str(mailbox.lane), reason=text)
        if mailbox.alarmed_at is None or now - mailbox.alarmed_at > ALARM_EVERY:
            mailbox.alarmed_at = now
            mailbox.warn(text)

    def _note_stranger(self, mailbox: Mailbox, sender: str) -> None:
        now = self._clock.monotonic()
        if now - self._strangers.get(mailbox.name, -ALARM_EVERY) < TWO_SENDERS_WITHIN:
            return
        self._strangers[mailbox.name] = now
        log.warning(
            "a post without the device's secret was refused: `taigan device show` tells its address",
            device=mailbox.name, lane=str(mailbox.lane), sender=sender,
        )  # fmt: skip
