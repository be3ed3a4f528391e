"""Amounts: text in yuan in files and on pages, whole fen inside. No float in between."""

from __future__ import annotations

import re

LARGEST = 100_000_000  # fen: a million yuan

_YUAN = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?", re.ASCII)


def fen(text: str) -> int:
    """ "2.50" -> 250. Raises ValueError for what is no amount in yuan with at most two decimals, up to a million."""
    match = _YUAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no amount in yuan")
    amount = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if amount > LARGEST:
        raise ValueError(f"{text!r} is more than a million yuan")
    return amount


def yuan(amount: int) -> str:
    """250 -> "2.50"."""
    return f"{amount // 100}.{amount % 100:02}"


def short(amount: int) -> str:
    """As a price board writes it: 250 -> "2.5", 500 -> "5"."""
    return yuan(amount).rstrip("0").rstrip(".")
