"""From a request's bytes to an answer: the signature before anything else, then vendor and lot, then the message."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any

import msgspec
import structlog

from taigan import bolink
from taigan.bolink import BadMessage, units
from taigan.bolink.advice.wrong_signatures import why_wrong
from taigan.bolink.wire.envelope import with_union_id
from taigan.clock import Clock
from taigan.deadline import Deadline
from taigan.lot import texts
from taigan.lot.entering.desk import EntryDesk
from taigan.lot.entering.scan import Scan
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.messages.keyring import Keyring
from taigan.lot.messages.log import Heard
from taigan.lot.policy import Policy
from taigan.lot.signals.metrics import Metrics
from taigan.storage.errors import StorageError
from taigan.storage.rows import Lot
from taigan.storage.shown.messages import IN

log = structlog.get_logger("taigan.callbacks")
JSON = "application/json"
KEYS_WITHIN = 0.5
"""Seconds that a message waits for the keys to be read again."""
SPARE = 0.25
"""Seconds past `answer_within` after which a handler that does not keep it itself is cut off."""
EXPLAIN_EVERY = 1.0
"""Seconds between two wrong signatures that are looked into."""
MONEY = frozenset(
    {"prepay_order", "outpark", "refund", "monthcard_pay", "repair", "plat_unified_order", "plat_escape_order"}
    | {"recharge", "pay_notice"}
)
"""Messages about money: what cannot be kept is answered 503, so that BoLink sends it again."""
WITHOUT_LOT = frozenset({"people_data"})
"""Messages that name no lot: they are for the vendor as a whole."""
_ORDER_ID = re.compile(r"[0-9A-Za-z_]{1,48}")
_LONGEST = {"car_number": 32, "channel_id": 64, "pay_user_id": 128, "mobile_number": 32}


class Answered(msgspec.Struct, frozen=True):
    """What goes back to the caller, and what it was about."""

    status: int
    body: bytes
    content_type: str = JSON
    service_name: str = ""
    state: int | None = None


class Callback(msgspec.Struct, frozen=True):
    """A verified message of a vendor that exists."""

    envelope: bolink.Envelope
    signed: bolink.SignedText
    of_lot: Lot | None  # none: a message for the vendor as a whole (9.1)
    key_id: int
    received_at: datetime
    answer_by: Deadline
    signature: bolink.Signature = bolink.Signature.RAW

    @property
    def text(self) -> bytes:
        """The signed text of `data`."""
        return self.envelope.text

    @property
    def message(self) -> bytes:
        """What is read as the message: `data`, with the union_id that may stand beside it (1.2)."""
        return with_union_id(self.envelope.text, self.envelope.union_id)

    @property
    def union_id(self) -> str:
        return self.envelope.union_id

    @property
    def lot(self) -> Lot:
        """The lot it is for."""
        assert self.of_lot is not None
        return self.of_lot

    @property
    def digest(self) -> str:
        """What makes two messages the same: the vendor, the lot and what was signed, however it is written."""
        return self.signed.digest(self.lot.union_id, self.lot.park_id)

    def digest_under(self, number: str) -> str:
        """The same, behind the number or the time that the message bears: of many years' messages those of one day lie
        together in an index then, where by their digests alone each would lie somewhere else."""
        return f"{number} {self.digest}"


Handler = Callable[[Callback], Awaitable[Answered]]
Unsigned = Callable[[bytes, datetime], Awaitable[Answered]]
"""Answers a message that bears no signature: its text, and when it came."""


class Callbacks:
    """Every message of BoLink arrives here. `handlers` is by service_name."""

    def __init__(
        self,
        keyring: Keyring,
        handlers: Mapping[str, Handler],
        policy: Policy,
        clock: Clock,
        metrics: Metrics,
        unsigned: Mapping[str, Unsigned] = MappingProxyType({}),
        note: Callable[[Heard], None] = lambda heard: None,
    ) -> None:
        """`note` is told of every message and what became of it."""
        self._note = note
        self._keyring = keyring
        self._handlers = handlers
        self._policy = policy
        self._unsigned = unsigned
        self._clock = clock
        self._metrics = metrics
        self._explain_from = 0.0

    def deadline(self) -> Deadline:
        """By when a request must be answered whose first byte comes now."""
        return Deadline.within(self._policy.answer_within, self._clock)

    async def answer(self, body: bytes, service_name: str = "", by: Deadline | None = None) -> Answered:
        """Answer a request. `service_name` is what the address says, empty at the one address for all; `by` is the
        `deadline` from when the request's first byte came. Never raises."""
        heard = Heard(IN, self._clock.now(), service_name, body, known=False)
        begun = self._clock.monotonic()
        answered = await self._answer(body, service_name, by or self.deadline(), heard)
        heard.took = self._clock.monotonic() - begun
        heard.interface = answered.service_name or service_name or "-"
        heard.status, heard.state, heard.answer = answered.status, answered.state, answered.body
        self._note(heard)
        name = answered.service_name if bolink.by_service(answered.service_name) else "unknown"
        state = "" if answered.state is None else str(answered.state)
        self._metrics.callbacks.labels(name, state).inc()
        return answered

    async def _answer(self, body: bytes, service_name: str, by: Deadline, heard: Heard) -> Answered:
        received_at = heard.at
        named = bolink.by_service(service_name) if service_name else None
        if named is not None and named.wrapping is bolink.Wrapping.FLAT:
            return await self._answer_unsigned(body, named, received_at)
        try:
            envelope = bolink.open_envelope(body, service_name)
        except BadMessage as error:
            if error.field == "sign":
                return self._refused(401, "signature", texts.BAD_SIGN, service_name)
            return self._unusable(error, service_name)
        if not self._keyring.is_fresh():
            await self._read_keys()

        # Half of chapter 5 names no vendor: it is the one of that lot whose key the signature was made with.
        speakers = [envelope.union_id] if envelope.union_id else self._keyring.owners(envelope.park_id)
        keys = [key for union_id in speakers for key in self._keyring.accepted(union_id)]
        if not keys:
            return self._refused(404, "unknown_lot", texts.UNKNOWN_LOT, envelope.service_name, envelope)
        signed = bolink.SignedText(envelope.text)
        for key in keys:
            form = signed.verify(envelope.sign, key.key)
            if form is not None:
                break
        else:
            heard.note = self._why(envelope, keys[0].key, body)
            lots = (self._keyring.lot(union_id, envelope.park_id) for union_id in speakers)
            heard.lot_id = next((lot.lot_id for lot in lots if lot is not None), "")
            return self._refused(
                401,
                "signature",
                texts.BAD_SIGN,
                envelope.service_name,
                envelope,
                why=heard.note.partition("\n")[0],
            )
        heard.known, heard.note = True, form.value
        self._metrics.signatures.labels(form.value, "current" if key.valid_until is None else "previous").inc()

        if not envelope.union_id:
            envelope = msgspec.structs.replace(envelope, union_id=key.union_id)
        lot = self._keyring.lot(envelope.union_id, envelope.park_id)
        heard.lot_id = lot.lot_id if lot is not None else ""
        if lot is None and envelope.service_name not in WITHOUT_LOT:
            foreign = self._keyring.is_foreign(envelope.park_id)
            if foreign:
                log.warning("security: a vendor asks for another vendor's lot", union_id=envelope.union_id)
            reason = "foreign_lot" if foreign else "unknown_lot"
            return self._refused(404, reason, texts.UNKNOWN_LOT, envelope.service_name, envelope)
        if service_name and envelope.service_name != service_name:
            return self._unusable(BadMessage("service_name", f"is not {service_name}"), service_name)
        if not envelope.service_name:
            return self._unusable(BadMessage("service_name", "is missing"), "")

        handler = self._handlers.get(envelope.service_name)
        if handler is None:
            known = bolink.by_service(envelope.service_name)
            if known is None or known.direction is not bolink.Direction.DOWNLINK:
                return self._refused(404, "unknown_service", texts.UNKNOWN_SERVICE, envelope.service_name)
            return self._unhandled(envelope.service_name)
        callback = Callback(envelope, signed, lot, key.key_id, received_at, by, form)
        try:
            if isinstance(handler, NoPlateEntries):
                return await handler(callback)  # it keeps the time itself: in doubt it must not be told 0
            work = asyncio.ensure_future(handler(callback))
            try:
                await self._clock.wait((work,), by.left() + SPARE)
                if not work.done():
                    raise TimeoutError
                return work.result()
            finally:
                work.cancel()
        except BadMessage as error:
            return self._unusable(error, envelope.service_name, envelope)
        except (StorageError, TimeoutError) as error:
            log.error("callback failed", service_name=envelope.service_name, error=str(error) or "it took too long")
        except Exception:
            log.exception("callback failed", service_name=envelope.service_name)
        if envelope.service_name in MONEY:
            return Answered(503, b"", service_name=envelope.service_name)
        return refusal(200, texts.BUSY, envelope.service_name, self._clock.now(), _licence(envelope))

    async def _read_keys(self) -> None:
        reading = asyncio.ensure_future(self._keyring.refresh())
        try:
            await self._clock.wait((reading,), KEYS_WITHIN)
            if not reading.done():
                raise TimeoutError
            reading.result()
        except (StorageError, TimeoutError):
            log.warning("the keys could not be read again; those known are used")
        finally:
            reading.cancel()

    async def _answer_unsigned(self, body: bytes, interface: bolink.AnyInterface, received_at: datetime) -> Answered:
        """6.4 carries no signature: whoever knows the address can send it, so that nothing is done on its word."""
        handler = self._unsigned.get(interface.event)
        try:
            text = bolink.open_flat(body).text
            interface.read_request(text)
            if handler is None:
                return self._unhandled(interface.event)
            return await handler(text, received_at)
        except BadMessage as error:
            return self._unusable(error, interface.event)
        except StorageError as error:
            log.error("callback failed", service_name=interface.event, error=str(error))
            return refusal(200, texts.BUSY, interface.event, self._clock.now())

    def _why(self, envelope: bolink.Envelope, key: str, body: bytes) -> str:
        """The usual mistake behind a wrong signature, in Chinese and English, a line each; empty if one was just told.

        Once in `EXPLAIN_EVERY`: it costs milliseconds, and whoever knows the address can ask for it.
        """
        now = self._clock.monotonic()
        if now < self._explain_from:
            return ""
        self._explain_from = now + EXPLAIN_EVERY
        return "\n".join(why_wrong(envelope.text, envelope.sign, key, body=body, other_keys=self._keyring.every()))

    def _unhandled(self, service_name: str) -> Answered:
        """A message of the document that this platform does nothing with yet."""
        self._metrics.refused_requests.labels("unhandled_service").inc()
        return refusal(200, texts.NOT_HANDLED, service_name, self._clock.now())

    def _unusable(self, error: BadMessage, service_name: str, envelope: bolink.Envelope | None = None) -> Answered:
        return self._refused(400, "unusable", f"{error.field} {error.reason}", service_name, envelope)

    def _refused(
        self,
        status: int,
        reason: str,
        text: str,
        service_name: str,
        envelope: bolink.Envelope | None = None,
        *,
        why: str = "",
    ) -> Answered:
        self._metrics.refused_requests.labels(reason).inc()
        more = {"why": why} if why else {}
        log.info("callback refused", status=status, reason=reason, service_name=service_name, text=text, **more)
        return refusal(status, text, service_name, self._clock.now(), _licence(envelope) if envelope else "")


def reply(answer: Any, service_name: str) -> Answered:
    """A handler's answer as it goes over the wire: bare JSON."""
    return Answered(200, bolink.write(answer), service_name=service_name, state=int(answer.state))


def refusal(
    status: int, text: str, service_name: str = "", now: datetime | None = None, car_number: str = ""
) -> Answered:
    """The answer to a request that is not carried out: 5.7's form, with the driver's own number where it was read."""
    body = bolink.write(
        bolink.NoPlateEntryAnswer(
            state=0, errmsg=texts.fitted(text), car_number=car_number, timestamp=units.seconds(now) if now else 0
        )
    )
    return Answered(status, body, service_name=service_name, state=0)


class _Driver(msgspec.Struct):
    car_number: Annotated[str, msgspec.Meta(max_length=_LONGEST["car_number"])] = ""


def _licence(envelope: bolink.Envelope) -> str:
    """The `car_number` of a 5.7 that is refused, as it came; empty when it can't be read."""
    if envelope.service_name != "nolicence_in_park":
        return ""
    try:
        licence = msgspec.json.decode(envelope.text, type=_Driver).car_number
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return "" if "\0" in licence else licence


class NoPlateEntries:
    """Handles 5.7: takes the message apart and hands the scan to the desk."""

    def __init__(self, desk: EntryDesk, lanes: Lanes, policy: Policy, clock: Clock, metrics: Metrics) -> None:
        self._desk = desk
        self._lanes = lanes
        self._policy = policy
        self._clock = clock
        self._metrics = metrics

    async def __call__(self, callback: Callback) -> Answered:
        """Answer a no-plate entry. Raises BadMessage, StorageError."""
        scan = self.scan(callback)
        if abs((scan.sent_at - callback.received_at).total_seconds()) > self._policy.max_clock_skew:
            self._metrics.clock_skew.inc()
            log.warning("timetemp is off", lot=scan.lot_id, sent_at=str(scan.sent_at))
            if self._policy.refuse_clock_skew:
                return refusal(200, texts.CLOCK_SKEW, "nolicence_in_park", self._clock.now(), scan.licence)
        state, body = await self._desk.enter(scan)
        if state < 0:
            state = msgspec.json.decode(body, type=bolink.NoPlateEntryAnswer).state
        return Answered(200, body, service_name="nolicence_in_park", state=state)

    def scan(self, callback: Callback) -> Scan:
        """The message as a scan, with what the lane's device reports now. Raises BadMessage."""
        asked = bolink.read(callback.message, bolink.NoPlateEntry)
        for field, longest in _LONGEST.items():
            if len(getattr(asked, field) or "") > longest:
                raise BadMessage(field, f"has more than {longest} characters")
        if not asked.car_number:
            raise BadMessage("car_number", "is empty")
        scan = Scan(
            lot_id=callback.lot.lot_id,
            channel_id=asked.channel_id,
            licence=asked.car_number,
            pay_user_id=asked.pay_user_id or "",
            mobile=asked.mobile_number or "",
            order_id=asked.order_id if asked.order_id and _ORDER_ID.fullmatch(asked.order_id) else "",
            sent_at=units.moment(asked.timestamp, "timetemp"),
            digest=callback.digest_under(str(asked.timestamp)),
            key_id=callback.key_id,
            received_at=callback.received_at,
            signature=callback.signature.value,
            answer_by=callback.answer_by,
        )
        picture = self._lanes.state(scan.lane)
        if picture is not None:
            scan.online, scan.position, scan.held = picture.online, picture.position, picture.held
        return scan
