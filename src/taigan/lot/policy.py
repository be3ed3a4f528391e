"""Every time-out and policy of the lot platform, by the name it has in the configuration."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400 * 366)]
Kept = Annotated[float, msgspec.Meta(ge=0, le=86400 * 366 * 100)]
DAY = 86400.0
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Connection(enum.StrEnum):
    """How BoLink's messages come."""

    CALLBACK = "callback"
    POLL = "poll"


class Reentry(enum.StrEnum):
    """What to do with a licence that scans in while it is still in the lot."""

    SUPERSEDE = "supersede"
    REFUSE = "refuse"


class NoEntry(enum.StrEnum):
    """What a car at the exit without an order is asked."""

    ATTENDANT = "attendant"
    FIXED = "fixed"


class MatchOneOff(enum.StrEnum):
    """Whether a car without an order takes that of a plate that cameras confuse with its own."""

    OFF = "off"
    OWES_NOTHING = "owes_nothing"
    ALWAYS = "always"


class OfflineExit(enum.StrEnum):
    """What becomes of a car that owes something while BoLink is not reached and nobody acts."""

    WAIT = "wait"
    LET_GO = "let_go"


class ArrearsAtEntry(enum.StrEnum):
    """What becomes of a plate that comes in and owes this lot for an earlier stay."""

    IGNORE = "ignore"
    TELL = "tell"
    REFUSE = "refuse"


class RefundSurplus(enum.StrEnum):
    """Who has BoLink give back what was paid above the price."""

    ASK = "ask"
    AUTO = "auto"


Fen = Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of entry. Times are in seconds."""

    connection: Connection = Connection.CALLBACK
    """How BoLink's messages come: `callback` to the lot's public address, or `poll`: the lot fetches them and uploads
    its orders the same way, so that nothing has to reach it."""
    answer_within: Annotated[float, msgspec.Meta(gt=0, lt=5)] = 4.0
    """A callback is always answered within this time; BoLink gives up after 5 s."""
    presence_grace: Annotated[float, msgspec.Meta(ge=0, lt=5)] = 3.0
    """How long a scan waits for its car to reach the loop."""
    lane_hold: Seconds = 15.0
    """How long one entry keeps a lane without a detector."""
    loop_stuck_after: Seconds = 600.0
    """A loop lit for longer than this by one car is taken for stuck."""
    release_timeout: Seconds = 180.0
    """How long a driver waits for the attendant before the order is void."""
    barrier_timeout: Seconds = 30.0
    """After this an unconfirmed entry in a lane without a detector counts as in, marked for review."""
    passage_timeout: Seconds = 60.0
    """A car that stays under the arm for longer raises the alarm 滞留."""
    reentry: Reentry = Reentry.SUPERSEDE
    """A licence that is in the lot scans in again: `supersede` closes the old order as abandoned, `refuse` says no."""
    scan_limit: Count = 5
    """So many scans by one driver without driving in are answered; further ones are sent to the attendant."""
    scan_window: Seconds = 3600.0
    """After so long without a scan the count of a driver's scans begins anew."""
    plate_mark: Annotated[str, msgspec.Meta(max_length=2)] = ""
    """A mark before the licence of a car without a plate (无, 临); empty for none."""
    key_overlap: Annotated[float, msgspec.Meta(ge=0, le=86400 * 366)] = 86400.0
    """How long a vendor's previous key is still accepted after a change."""
    repeat_within: Seconds = 86400.0
    """The same message within this time gets the first answer; later it is refused as stale."""
    max_clock_skew: Seconds = 300.0
    """A message whose time is off by more is counted and logged."""
    refuse_clock_skew: bool = False
    """Whether such a message is refused."""
    sms_valid: Seconds = 600.0
    """How long a phone number counts as checked after its code was sent."""
    sms_repeat: Seconds = 60.0
    """Within this time a repeated request for a code gets the first code and no second SMS."""
    sms_per_hour: Count = 5
    """So many codes an hour for one phone or one driver."""
    sms_per_lot_hour: Count = 300
    """So many codes an hour for one lot; one more raises an alarm."""
    sms_kept: Annotated[float, msgspec.Meta(ge=3600, le=86400 * 366)] = 3600.0
    """How long it is kept which phone got a code; the code itself is dropped after `sms_valid`."""
    pictures_kept: Kept = 30 * DAY
    """How long entry and exit pictures are kept. 0, here and in the following: for ever."""
    phones_kept: Kept = 180 * DAY
    """How long an ended order keeps its driver's phone number and identity."""
    messages_kept: Kept = 180 * DAY
    """How long answers to messages are kept, and the messages of cameras; digests are kept as long as their key."""
    message_log_kept: Kept = 14 * DAY
    """How long what BoLink and the lots said to each other is kept for persons to look at; secrets are hidden in it."""
    deliveries_kept: Kept = 180 * DAY
    """How long uploads that are done or refused are kept."""
    presences_kept: Kept = 180 * DAY
    """How long it is kept when a car stood at a lane, and which plate pays by itself."""
    alarms_kept: Kept = 366 * DAY
    """How long alarms are kept."""
    people_kept: Kept = 3 * 366 * DAY
    """How long residents' data (9.1) are kept after they were last sent."""
    orders_kept: Kept = 3 * 366 * DAY
    """How long ended orders are kept, with their events, lifts, departures and prices, and what operators did."""
    money_kept: Kept = 30 * 366 * DAY
    """How long payments, bills, reductions, shifts, invoices and messages about money are kept."""
    uploads_per_second: Annotated[int, msgspec.Meta(ge=1, le=9)] = 8
    """Order uploads (3.1, 3.2, retries included) a second and lot; BoLink takes fewer than 10."""
    retry_after: tuple[float, ...] = (1, 2, 5, 10, 30, 60)
    """Waits before an upload is tried again; after the last one it is tried every `retry_every`."""
    retry_every: Seconds = 300.0
    """The wait between later tries of an upload."""
    upload_timeout: Seconds = 5.0
    """How long an upload waits for BoLink's answer."""
    queue_alarm_after: Seconds = 300.0
    """An upload waiting for longer raises an alarm."""

    leave_within: Seconds = 900.0
    """Whoever paid owes nothing more when the car reaches an exit within this time."""
    quote_valid: Seconds = 300.0
    """How long a price that was told holds."""
    attempt_wait: Annotated[float, msgspec.Meta(gt=0, le=600)] = 20.0
    """How long a driver waits for an unclear payment before the price and the code are shown again."""
    ask_after: Seconds = 30 * 86400.0
    """A stay that is longer and owes something is neither priced nor charged before a person looked at it."""
    ask_above_fen: Fen = 0
    """The same for a due above this amount in fen; 0: for none."""
    charge_above_fen: Fen = 5000
    """No wallet is charged by itself for more than this amount in fen."""
    charge_longest: Seconds = 86400.0
    """No wallet is charged by itself for a longer stay."""
    no_entry: NoEntry = NoEntry.ATTENDANT
    """A car at the exit without an order: `attendant`, or `fixed`: it pays `no_entry_fen`."""
    no_entry_fen: Fen = 0
    """The price of a car without an order, in fen, where `no_entry` is `fixed`."""
    match_one_off: MatchOneOff = MatchOneOff.OWES_NOTHING
    """Whether the order of a look-alike plate is taken: `owes_nothing`: if nothing is due, `always`, `off`."""
    escape_after: Annotated[float, msgspec.Meta(ge=0, le=86400 * 3660)] = 0.0
    """After this time an owed stay that nobody decided about is reported to BoLink (3.2 escape); 0: never."""
    stale_after: Seconds = 14 * 86400.0
    """Stays that are older are listed for a person to look at, who is told each morning."""
    offline_exit: OfflineExit = OfflineExit.WAIT
    """A car that owes something while BoLink is not reached: `wait` for a person, or `let_go`, owed."""
    rejoin_within: Annotated[float, msgspec.Meta(ge=0, le=86400)] = 0.0
    """A plate that is back so soon gets no free minutes again; 0: it does."""
    free_plates: tuple[str, ...] = ("警", "应急", "WJ")
    """Plates with one of these in them leave free at first sight."""
    arrears_at_entry: ArrearsAtEntry = ArrearsAtEntry.TELL
    """A plate comes in whose earlier stay here was reported to BoLink as unpaid (3.8 is asked): `tell` its driver on
    the screen, `refuse` it, or `ignore` it. While BoLink does not answer it is let in."""
    session_lasts: Seconds = 13 * 3600.0
    """How long a person stays signed in to the console at most: a shift and its handing over."""
    session_idle: Seconds = 4 * 3600.0
    """After so long without a page or an act of theirs they sign in again; what refreshes itself does not count."""
    second_factor: tuple[str, ...] = ()
    """Roles whose holders need a code of their phone's authenticator beside the password."""
    hidden_plates: tuple[str, ...] = ()
    """Plates whose stay no stranger is told of by typing them."""
    refund_alone_fen: Fen = 10000
    """A refund up to this amount in fen is asked for by one person; above it a second one must agree."""
    refund_surplus: RefundSurplus = RefundSurplus.ASK
    """What was paid above the price of a stay that has ended: `ask`: a person has it given back; `auto`: from 1 yuan
    on it is asked for by itself, and above `refund_alone_fen` a person must agree."""
    reconcile_at: Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^$")] = "03:30"
    """When the day before is held against what BoLink has of it, by each lot's clock; empty: only by hand."""
    invoices_every: Seconds = 600.0
    """How often BoLink is asked where invoices stand that are being made; sooner where it hints that one is ready."""
    spaces_every: Annotated[float, msgspec.Meta(ge=0, le=86400)] = 0.0
    """How often BoLink is told the free spaces if they changed (2.2), beside every entry and exit; 0: never."""
    passes_every: Annotated[float, msgspec.Meta(ge=0, le=86400 * 7)] = 0.0
    """How often all passes that BoLink has are fetched in place of those it told of before (10.6); 0: by hand only."""
    notify_url: Annotated[str, msgspec.Meta(max_length=500, pattern=r"^$|^https?://[^\s?#]+$")] = ""
    """Where BoLink posts what became of payments that the lot places (3.3, 3.4, 3.9, 3.10): the address of the lot's
    callback as BoLink reaches it. Empty: renewals cannot be placed, the others are told to the vendor's address."""
    screens_every: Seconds = 3600.0
    """How often the texts that the city wants on a lot's screens are fetched (10.5)."""
