"""How like two plates are to a camera: which characters it confuses, and how far a reading is from a plate."""

from __future__ import annotations

_CONFUSED = ("0ODQ", "1I", "2Z", "5S", "7T", "8B")
_FOLD = str.maketrans({letter: group[0] for group in _CONFUSED for letter in group[1:]})
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def likeness(plate: str) -> str:
    """The plate without its province, characters that cameras confuse folded into one. Empty for an empty plate."""
    return (plate if plate[:1] in _LETTERS else plate[1:]).translate(_FOLD)


def is_one_off(read: str, plate: str) -> bool:
    """Whether a reading differs from a plate by one character that cameras confuse, or by the province alone."""
    if read == plate or likeness(read) != likeness(plate):
        return False
    return distance(read, plate) == 1


def distance(read: str, plate: str) -> int:
    """How many characters differ. A province that was not read counts as one."""
    first, second = _apart(read), _apart(plate)
    differing = sum(a != b for a, b in zip(first[1], second[1], strict=False))
    return (first[0] != second[0]) + differing + abs(len(first[1]) - len(second[1]))


def marked(read: str, plate: str) -> list[tuple[str, bool]]:
    """The characters of a plate, each with whether it is another than what was read there."""
    first, second = _apart(read), _apart(plate)
    province = [(second[0], first[0] != second[0])] if second[0] else []
    return province + [(sign, first[1][at : at + 1] != sign) for at, sign in enumerate(second[1])]


def _apart(plate: str) -> tuple[str, str]:
    """The province and the rest."""
    return ("", plate) if plate[:1] in _LETTERS else (plate[:1], plate[1:])
