"""3.2 as it is frozen when a car leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from taigan.lot.stays.exits import exit_payload
from taigan.lot.stays.orders import entry_payload
from taigan.storage.rows import Lot, Order, Payment

NOW = datetime(2026, 5, 4, 8, tzinfo=UTC)
OUT = NOW + timedelta(hours=2)
NOT_PAID = ("pending", "failed", "reversed", "unreadable")
SECONDS = int(NOW.timestamp())
LOT = Lot("lot", "42", "P1", "东门", "Asia/Shanghai", "", 100, 10, False, True)


def order(**more: Any) -> Order:
    given = Order("lot", "O1", "plate", "in", "", "京A1", "", "京A1", "", "", "A1", "car", 1, "", NOW, in_at=NOW)
    return msgspec.structs.replace(given, **more)


def payment(way: str, fen: int = 500, state: str = "paid") -> Payment:
    return Payment("lot", way, "bolink", "t", "O1", "", "", way, state, fen, 0, NOW, NOW)


def told(*payments: Payment, of: Order | None = None, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"channel_id": "B1", "accepted_entry": None} | more
    payload = exit_payload(LOT, of or order(), list(payments), out_time=OUT, **given)
    found: dict[str, Any] = msgspec.json.decode(payload)
    return found


def test_a_free_exit_says_no_more_than_it_must() -> None:
    assert told() == {
        "park_id": "P1",
        "union_id": 42,
        "car_number": "京A1",
        "in_time": SECONDS,
        "out_time": SECONDS + 7200,
        "pay_type": "cash",
        "empty_plot": 10,
        "total": "0.00",
        "order_id": "O1",
        "out_channel_id": "B1",
    }
    assert "out_channel_id" not in told(channel_id="")


def test_the_total_is_the_cash_that_was_paid_or_what_a_pull_settles() -> None:
    others = [payment("cash", 9900, state) for state in NOT_PAID]
    cash = [payment("cash", 500), payment("cash", 250), *others, payment("prepay", 300)]
    assert told(*cash)["total"] == "7.50"
    assert told(*cash, settles_fen=1234)["total"] == "12.34"
    assert told(*cash, settles_fen=0)["total"] == "0.00"


@pytest.mark.parametrize(
    ("ways", "pay_type", "prepaid"),
    [
        (["prepay"], "cash", "0"),
        (["scancode"], "cash", "1"),
        (["wallet"], "cash", "1"),
        (["etc"], "cash", "1"),
        (["prepay", "scancode"], "cash", "1"),
        (["scancode", "prepay"], "cash", "0"),
        ([], "wallet", "1"),
        (["prepay"], "wallet", "1"),
        (["scancode"], "prepay", "0"),
        ([], "sweepcode", "1"),
    ],
)
def test_the_remark_says_whether_it_was_prepaid_by_the_pull_or_else_the_last_payment(
    ways: list[str], pay_type: str, prepaid: str
) -> None:
    said = told(*map(payment, ways), pay_type=pay_type)
    assert (said["remark"]["is_prepay"], said["pay_type"]) == (prepaid, pay_type)


def test_cash_and_payments_that_failed_make_no_remark() -> None:
    assert "remark" not in told(payment("cash"), *(payment("prepay", state=state) for state in NOT_PAID))


def test_a_payment_code_is_put_in_as_it_is_sent() -> None:
    assert told(pay_type="sweepcode")["auth_code"] == "-"
    assert "auth_code" not in told(pay_type="wallet")


def test_the_car_and_its_entry_stay_those_that_bolink_accepted() -> None:
    accepted = entry_payload(LOT, order(in_at=NOW - timedelta(hours=1), licence="京B2"))
    said = told(of=order(licence="京A9"), accepted_entry=accepted)
    assert (said["car_number"], said["in_time"]) == ("京B2", SECONDS - 3600)
    assert told(of=order(in_at=None, requested_at=NOW - timedelta(minutes=1)))["in_time"] == SECONDS - 60


def test_what_is_known_besides_is_told() -> None:
    said = told(reduced_fen=150, reduced_minutes=30, reason="免费车", collector="王芳", spaces_free=0)
    assert (said["reduce_amount"], said["derate_duration"]) == ("1.50", 30)
    assert (said["freereasons"], said["out_uname"], said["empty_plot"]) == ("免费车", "王芳", 0)
    assert told(reduced_fen=1, reduced_minutes=1)["derate_duration"] == 1
