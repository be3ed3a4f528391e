"""The wire's units and ours: unix seconds and aware moments, yuan and whole fen (分)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from taigan.bolink.errors import BadMessage

LARGEST_YUAN = 10**15


def moment(seconds: int, field: str = "time") -> datetime:
    """Unix seconds as an aware moment in UTC. BadMessage naming `field` when no calendar holds it."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadMessage(field, "is not a time") from error


def seconds(moment: datetime) -> int:
    """An aware moment as whole unix seconds."""
    return int(moment.timestamp())


def fen(amount: str | int | float | Decimal, field: str = "amount") -> int:
    """The wire's yuan in whole fen, halves rounded up. BadMessage naming `field` when it is no amount."""
    try:
        yuan = amount if isinstance(amount, Decimal) else Decimal(str(amount).strip())
    except InvalidOperation as error:
        raise BadMessage(field, "is not an amount of money") from error
    if not yuan.is_finite() or yuan.adjusted() > 15 or abs(yuan) > LARGEST_YUAN:
        raise BadMessage(field, "is not an amount of money")
    return int((yuan * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def yuan(fen: int) -> str:
    """Whole fen as the wire's yuan with two decimals, `1230` as `"12.30"`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
