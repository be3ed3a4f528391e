"""What one message costs: decode, verify, validate, against json and pydantic v2 doing the same in the same run.

    .venv/bin/python benchmarks/wire.py [--seconds 4] [--out benchmarks/results/wire.json]

Both sides take the bytes of a signed body, find the vendor and the lot (`union_id` inside or beside `data`), check the
signature and end with a typed message: fields of the documented types, whole numbers of 64 bits, no NUL in text,
numbers as strings and strings as numbers accepted, blanks taken off. Ours keeps the raw bytes of `data` and hashes
those. The json side has parsed the body by the time it knows where `data` is, so it writes `data` again, compactly, and
hashes that. Both see the same compact bodies. The sides take turns, in CPU time, so that a busy machine slows both; the
best round of each counts. `md5_us` is the part of both that no library can take away.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pydantic

from taigan.bolink import (
    Exit,
    NoPlateEntry,
    Signature,
    example_of,
    open_envelope,
    read,
    seal,
    verify,
    write,
)

KEY = "NQ0eSXs720170114"
ROUNDS = 40

Whole = Annotated[int, pydantic.Field(ge=-(2**63), le=2**63 - 1)]
Text = Annotated[str, pydantic.StringConstraints(pattern=r"^[^\x00]*$")]


class Lenient(pydantic.BaseModel):
    """Reads what real peers send."""

    model_config = pydantic.ConfigDict(coerce_numbers_to_str=True, str_strip_whitespace=True)


class PydanticNoPlateEntry(Lenient):
    """5.7, the same fields and types."""

    car_number: Text
    park_id: Text
    union_id: Whole
    service_name: Literal["nolicence_in_park"] = "nolicence_in_park"
    timetemp: Whole
    channel_id: Text
    pay_user_id: Text | None = None
    mobile_number: Text | None = None
    order_id: Text | None = None


class PydanticExitRemark(Lenient):
    """3.2's remark."""

    is_prepay: Text | None = None
    pay_channel: Text | None = None


class PydanticExit(Lenient):
    """3.2, the same fields and types."""

    park_id: Text
    union_id: Whole
    car_number: Text
    in_time: Whole | None = None
    out_time: Whole
    pay_type: Text
    empty_plot: Whole
    total: Text
    order_id: Text
    auth_code: Text | None = None
    remark: PydanticExitRemark | Text | None = None
    outpark_img: Text | None = None
    out_channel_id: Text | None = None
    license_color: Whole | None = None
    reduce_amount: Text | None = None
    derate_duration: Whole | None = None
    freereasons: Text | None = None
    work_station_uuid: Text | None = None
    out_uid: Text | None = None
    out_uname: Text | None = None
    is_report: Whole | None = None


def ours(kind: type[Any]) -> Callable[[bytes], Any]:
    """Decode, verify and validate as this package does."""

    def receive(body: bytes) -> Any:
        envelope = open_envelope(body)
        if verify(envelope.text, envelope.sign, KEY) is not Signature.RAW:
            raise SystemExit("the signature does not verify")
        return (envelope.union_id, envelope.park_id), read(envelope.text, kind)

    return receive


def vendor_and_lot(outer: dict[str, Any]) -> tuple[str, str]:
    """Whose message it is, from parsed JSON."""
    data, beside = outer["data"], outer.get("union_id")
    inside = data.get("union_id")
    if inside is not None and beside is not None and str(inside).strip() != str(beside).strip():
        raise SystemExit("union_id differs")
    return str(beside if inside is None else inside).strip(), str(data.get("park_id")).strip()


def with_json_and_pydantic(model: type[pydantic.BaseModel]) -> Callable[[bytes], Any]:
    """Decode, verify and validate as a service with json and pydantic does."""

    def receive(body: bytes) -> Any:
        outer = json.loads(body)
        ids = vendor_and_lot(outer)
        text = json.dumps(outer["data"], ensure_ascii=False, separators=(",", ":"))
        signature = hashlib.md5((text + "key=" + KEY).encode(), usedforsecurity=False).hexdigest().upper()
        if not hmac.compare_digest(signature.encode(), outer["sign"].encode()):
            raise SystemExit("the signature does not verify")
        return ids, model.model_validate(outer["data"])

    return receive


def round_of(receive: Callable[[bytes], Any], body: bytes, seconds: float) -> float:
    """CPU seconds per message, over a round of about `seconds`."""
    messages = 0
    begun = time.process_time()
    while (spent := time.process_time() - begun) < seconds:
        for _ in range(50):
            receive(body)
        messages += 50
    return spent / messages


def measure(kind: type[Any], model: type[pydantic.BaseModel], seconds: float) -> dict[str, float]:
    """Microseconds per message for both sides, and their ratio."""
    body = seal(write(example_of(kind)), KEY)
    sides = (ours(kind), with_json_and_pydantic(model))
    (ids, message), (their_ids, their_message) = sides[0](body), sides[1](body)
    assert ids == their_ids
    assert msgspec.to_builtins(message) == their_message.model_dump(exclude_none=True)
    text = open_envelope(body).text
    timed = (*sides, lambda _: hashlib.md5(text, usedforsecurity=False).digest())
    rounds = [[round_of(side, body, seconds / ROUNDS) for side in timed] for _ in range(ROUNDS)]
    best = [min(each[side] for each in rounds) for side in range(len(timed))]
    return {
        "bytes": len(body),
        "ours_us": round(best[0] * 1e6, 2),
        "json_pydantic_us": round(best[1] * 1e6, 2),
        "md5_us": round(best[2] * 1e6, 2),
        "times_faster": round(best[1] / best[0], 2),
    }


def main() -> None:
    """Measures 5.7 and 3.2, prints and keeps the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each side of each message")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "wire.json")
    asked = parser.parse_args()
    result = {
        "command": "make bench-wire",
        "what": "decode + verify + validate per message, against json + pydantic in the same run",
        "python": platform.python_version(),
        "msgspec": msgspec.__version__,
        "pydantic": pydantic.VERSION,
        "5.7 nolicence_in_park": measure(NoPlateEntry, PydanticNoPlateEntry, asked.seconds),
        "3.2 exit": measure(Exit, PydanticExit, asked.seconds),
    }
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
