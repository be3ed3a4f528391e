"""Messages to lots, filled in for whoever sends one by hand: the documented example, with the lot's own numbers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, get_args, get_origin

from taigan.bolink import CATALOGUE, AnyInterface, BadMessage, Direction, by_section, by_service, example_of, seconds
from taigan.bolink.wire.codec import FieldPlan, fields_of
from taigan.hub.book.registry import Lot
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.taking.stays import BEIJING

DOWNLINKS = tuple(interface for interface in CATALOGUE if interface.direction is Direction.DOWNLINK)
"""What BoLink sends to lots."""
_LASTS = timedelta(days=30)
_TIMES = {"yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S", "yyyy-MM-dd": "%Y-%m-%d"}


def downlink(name: str) -> AnyInterface:
    """The downlink with this service_name, or this section. Raises `Unknown`."""
    interface = by_service(name)
    if interface is None and name in {known.section for known in DOWNLINKS}:
        interface = by_section(name)
    if interface is None or interface.direction is not Direction.DOWNLINK:
        raise Unknown("message to a lot", "service_name")
    return interface


def example(interface: AnyInterface, lot: Lot, now: datetime) -> Any:
    """The documented example as JSON, with the lot's numbers and the present time."""
    kind = _kind(interface)
    written: Any = json.loads(interface.write(example_of(interface.request)), parse_float=str)
    for item in written if isinstance(written, list) else [written]:
        for plan in fields_of(kind):
            if plan.name in item:
                item[plan.name] = _own(plan, lot, now, item[plan.name])
    return written


def _own(plan: FieldPlan, lot: Lot, now: datetime, value: Any) -> Any:
    match plan.attribute, plan.note.unit:
        case "park_id", _:
            return lot.park_id
        case "union_id", _:
            return int(lot.union_id)
        case "rand", _:
            return f"0.{seconds(now)}{now.microsecond:06d}"
        case "message_uuid" | "liftrod_id", _:  # a lot acts on the same number once
            return f"{seconds(now)}{now.microsecond:06d}"
        case "end_time", unit if unit in _TIMES:
            return (now + _LASTS).astimezone(BEIJING).strftime(_TIMES[unit])
        case _, "unix seconds":
            return str(seconds(now)) if isinstance(value, str) else seconds(now)
        case _, unit if unit in _TIMES:
            return now.astimezone(BEIJING).strftime(_TIMES[unit])
    return value


def filled_in(interface: AnyInterface, lot: Lot, now: datetime, changed: Any) -> bytes:
    """The `data` text of the example with some fields changed; one that is changed to null is left out.

    `changed` is an object, or for a message that is a list (9.1) the whole list or an object for its one item.
    Raises `Unusable` naming the field that the message does not have or cannot hold.
    """
    base = example(interface, lot, now)
    data: Any
    if isinstance(base, list):
        data = changed if isinstance(changed, list) else [_changed(interface, base[0], changed)]
    else:
        data = _changed(interface, base, changed)
    try:
        return interface.write(interface.read_request(json.dumps(data, ensure_ascii=False).encode()))
    except BadMessage as error:
        raise Unusable(error.reason, f"data.{error.field}") from None
    except UnicodeEncodeError:
        raise Unusable("a text holds half a character", "data") from None


def _changed(interface: AnyInterface, base: dict[str, Any], changed: Any) -> dict[str, Any]:
    if not isinstance(changed, dict):
        raise Unusable("must be an object", "data")
    names = {plan.name for plan in fields_of(_kind(interface))}
    for name in changed:
        if name not in names:
            raise Unusable(f"{interface.section} has no such field", f"data.{name[:64]}")
    return {name: value for name, value in (base | changed).items() if value is not None}


def _kind(interface: AnyInterface) -> Any:
    request: Any = interface.request
    return get_args(request)[0] if get_origin(request) is list else request
