"""Payment messages that go wrong on purpose: what they say instead, and what follows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from taigan.hub.faults import BENDING_FAULTS, Fault, FaultKind, Faults

_AFTER = timedelta(seconds=1)
_CLOCK_OFF = 600.0
_AMOUNTS = ("total", "prepay", "amount")
_TIMES = ("pay_time", "query_time")


@dataclass(frozen=True, slots=True)
class Sent:
    """A text to send, `after` so long."""

    text: bytes
    after: timedelta = timedelta()


def bend(faults: Faults, text: bytes, *, lot_id: str, channel_id: str, names: tuple[str, ...]) -> list[Sent]:
    """What is sent in place of a payment message: itself, unless a fault strikes."""
    fault = faults.strike(BENDING_FAULTS, lot_id=lot_id, channel_id=channel_id, names=names)
    if fault is None:
        return [Sent(text)]
    message = _read(text)
    return [Sent(_written(said), after) for said, after in _instead(fault, message)]


def _instead(fault: Fault, message: dict[str, Any]) -> list[tuple[dict[str, Any], timedelta]]:
    now = timedelta()
    amount = next((name for name in _AMOUNTS if name in message), "")
    failed = message | {"state": 0, "errmsg": "支付失败"}
    match fault.kind:
        case FaultKind.PAYMENT_FAILED_AFTER:
            return [(message, now), (failed, _AFTER)]
        case FaultKind.PAYMENT_FAILED_BEFORE:
            return [(failed, now), (message, _AFTER)]
        case FaultKind.PAYMENT_OTHER_AMOUNT:
            other = Decimal(str(message.get(amount, "0"))) + Decimal(fault.fen) / 100
            given: Any = str(other) if isinstance(message.get(amount), str) else other
            return [(message | {amount: given}, now)]
        case FaultKind.PAYMENT_NO_TOTAL:
            return [({name: value for name, value in message.items() if name != amount}, now)]
        case FaultKind.PAYMENT_UNKNOWN_ORDER:
            unknown = {"order_id": "unknown000", "query_order_no": "0"}
            return [(message | {name: value for name, value in unknown.items() if name in message}, now)]
        case FaultKind.PAYMENT_UNREADABLE:
            return [(message | {amount: {"yuan": "?"}, "pay_time": "yesterday"}, now)]
    off = int(_CLOCK_OFF if fault.seconds is None else fault.seconds)
    return [(message | {name: message[name] + off for name in _TIMES if name in message}, now)]


_read = msgspec.json.Decoder(float_hook=Decimal).decode
_written = msgspec.json.Encoder(decimal_format="number").encode
