"""What devices say, made fit to keep: one function for text, one for plates."""

from __future__ import annotations

import unicodedata

LONGEST_TEXT = 200
LONGEST_PLATE = 16
NO_PLATE = frozenset({"", "未识别", "未知", "未识别车牌", "NOPLATE", "UNLICENSED", "UNKNOWN"})
"""What cameras say when they read none, beside everything with 无 in it (无, 无牌车, _无_)."""

_SEPARATORS = frozenset("·•∙⋅・‧˙.,。、-‐‑–—_~*'\"`|")


class NotAPlate(ValueError):
    """What a device says it read cannot be on a car."""


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text in one line of at most `longest` characters, each of which can be stored, sent and shown.

    A control character is shown as U+FFFD: a database refuses NUL, a terminal obeys ESC.
    """
    text = text[: longest + 1]
    if not text.isprintable():
        text = "".join(_shown(character) for character in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def plate_of(said: str) -> str:
    """The plate in what a device or a person says, empty when it says that there is none.

    One car has one spelling: full width, lower case, blanks and separators make no difference (粤b·１２３４５ is
    粤B12345). Raises `NotAPlate` for what is longer than 16 characters or holds characters that cannot be printed.
    """
    if len(said) > 4 * LONGEST_PLATE:
        raise NotAPlate(f"a plate has at most {LONGEST_PLATE} characters")
    folded = unicodedata.normalize("NFKC", said).upper()
    plate = "".join(each for each in folded if not each.isspace() and each not in _SEPARATORS)
    if plate in NO_PLATE or "无" in plate:
        return ""
    if not plate.isprintable() or "\N{REPLACEMENT CHARACTER}" in plate:
        raise NotAPlate("a plate has printable characters only")
    if len(plate) > LONGEST_PLATE:
        raise NotAPlate(f"a plate has at most {LONGEST_PLATE} characters")
    return plate


def spelling(number: str) -> str:
    """How a plate is spelled in lists, so that one entry means all spellings; anything else as it stands."""
    try:
        return plate_of(number) or number
    except NotAPlate:
        return number


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"
