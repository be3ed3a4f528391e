"""The hub's time-outs and limits. Each is a setting of the same name."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

Wait = Annotated[float, msgspec.Meta(ge=0, le=86400 * 366)]


class ResendUntil(enum.StrEnum):
    """What ends the resending of a payment message. The document says the first; a page on callbacks the second."""

    ANSWERED = "answered"  # HTTP 200 in time, whatever it says (newapi/524039)
    STATE_1 = "state_1"  # the lot said that it took it (newapi/2336662)


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long BoLink's side waits, and how often it tries. Seconds, unless said otherwise."""

    push_timeout: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    """A lot that has not answered a push by then has not answered (newapi/524039)."""
    duplicate_within: Wait = 10.0
    """A second scan of the same code by the same driver is not sent on (sdk/510113)."""
    entered_within: Wait = 30.0
    """A driver whose entry was uploaded this recently is shown success at once (sdk/510113)."""
    pending_timeout: Wait = 60.0
    """After state 2 for this long the phone says to ask the attendant."""
    listen_for: Wait = 600.0
    """How long a phone goes on listening, and how far before an entry a scan may lie that it settles."""
    code_valid: Wait = 300.0
    """How long an SMS code may be typed in."""
    code_tries: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    """How often one SMS code may be typed wrongly."""
    code_interval: Wait = 60.0
    """Between two SMS codes to one phone."""
    resend_after: tuple[Wait, ...] = (10, 20, 30, 40, 50, 80, 120, 160, 200, 300)
    """Waits before each resend of a payment push (newapi/524039). No-plate entries are never resent."""
    resend_until: ResendUntil = ResendUntil.ANSWERED
    """What ends it: `answered` with HTTP 200 in time, whatever the answer says, or `state_1` in the answer."""
    price_shown: Wait = 300.0
    """How long a phone offers to pay a price; then it asks anew."""
    private_notify: bool = False
    """Whether a notify_url may lead anywhere; otherwise only to public addresses and to the vendor's own host."""
    redirect_hosts: tuple[str, ...] = ()
    """Hosts that may ask for a driver's number (7) besides those of the vendors' callback addresses."""
    key_overlap: Wait = 86400.0
    """How long a vendor's previous key is still accepted from the lot after a change."""
