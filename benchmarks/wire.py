"""What one message costs: decode, verify, validate, against json and pydantic v2 doing the same in the same run.

    .venv/bin/python benchmarks/wire.py [--seconds 2] [--out benchmarks/results/wire.json]

Both sides take the bytes of a signed body, check the signature and end with a typed message whose fields are of the
documented types. Ours keeps the raw bytes of `data` and hashes those. The json side has parsed the body by the time it
knows where `data` is, so it writes `data` again, compactly, and hashes that. Both see the same compact bodies. The
sides take turns, so that a busy machine slows both; the ratio of the best rounds is what counts.
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
ROUNDS = 7

Whole = Annotated[int, pydantic.Field(ge=-(2**63), le=2**63 - 1)]


class PydanticNoPlateEntry(pydantic.BaseModel):
    """5.7, the same fields and types."""

    car_number: str
    park_id: str
    union_id: Whole
    service_name: Literal["nolicence_in_park"] = "nolicence_in_park"
    timetemp: Whole
    channel_id: str
    pay_user_id: str | None = None
    mobile_number: str | None = None
    order_id: str | None = None


class PydanticExitRemark(pydantic.BaseModel):
    """3.2's remark."""

    is_prepay: str | None = None
    pay_channel: str | None = None


class PydanticExit(pydantic.BaseModel):
    """3.2, the same fields and types."""

    park_id: str
    union_id: Whole
    car_number: str
    in_time: Whole | None = None
    out_time: Whole
    pay_type: str
    empty_plot: Whole
    total: str
    order_id: str
    auth_code: str | None = None
    remark: PydanticExitRemark | str | None = None
    outpark_img: str | None = None
    out_channel_id: str | None = None
    license_color: Whole | None = None
    reduce_amount: str | None = None
    derate_duration: Whole | None = None
    freereasons: str | None = None
    work_station_uuid: str | None = None
    out_uid: str | None = None
    out_uname: str | None = None
    is_report: Whole | None = None


def ours(kind: type[Any]) -> Callable[[bytes], Any]:
    """Decode, verify and validate as this package does."""

    def receive(body: bytes) -> Any:
        envelope = open_envelope(body)
        if verify(envelope.text, envelope.sign, KEY) is not Signature.RAW:
            raise SystemExit("the signature does not verify")
        return read(envelope.text, kind)

    return receive


def with_json_and_pydantic(model: type[pydantic.BaseModel]) -> Callable[[bytes], Any]:
    """Decode, verify and validate as a service with json and pydantic does."""

    def receive(body: bytes) -> Any:
        outer = json.loads(body)
        text = json.dumps(outer["data"], ensure_ascii=False, separators=(",", ":"))
        signature = hashlib.md5((text + "key=" + KEY).encode(), usedforsecurity=False).hexdigest().upper()
        if not hmac.compare_digest(signature.encode(), outer["sign"].encode()):
            raise SystemExit("the signature does not verify")
        return model.model_validate(outer["data"])

    return receive


def round_of(receive: Callable[[bytes], Any], body: bytes, seconds: float) -> float:
    """Seconds per message, over a round of about `seconds`."""
    messages = 0
    begun = time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds:
        for _ in range(200):
            receive(body)
        messages += 200
    return spent / messages


def measure(kind: type[Any], model: type[pydantic.BaseModel], seconds: float) -> dict[str, float]:
    """Microseconds per message for both sides, and their ratio."""
    body = seal(write(example_of(kind)), KEY)
    sides = (ours(kind), with_json_and_pydantic(model))
    assert msgspec.to_builtins(sides[0](body)) == {
        name: value for name, value in sides[1](body).model_dump().items() if value is not None
    }
    rounds = [[round_of(side, body, seconds / ROUNDS) for side in sides] for _ in range(ROUNDS)]
    best = [min(each[side] for each in rounds) for side in range(2)]
    return {
        "bytes": len(body),
        "ours_us": round(best[0] * 1e6, 2),
        "json_pydantic_us": round(best[1] * 1e6, 2),
        "times_faster": round(best[1] / best[0], 2),
    }


def main() -> None:
    """Measures 5.7 and 3.2, prints and keeps the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each side of each message")
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
