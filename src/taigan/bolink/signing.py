"""Signatures (section 1.2).

A message is signed over the text of its `data` exactly as it stands in the body: `MD5(data + "key=" + KEY)`, in
upper-case hex. A peer may have signed another text than it sent, its own compact serialisation, so `verify` tries that
too. 2.4 signs the key and a timestamp instead; 3.4 is signed by some public clients over its sorted pairs.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
import json
import re
from collections.abc import Iterator
from hmac import compare_digest

import msgspec


class Signature(enum.StrEnum):
    """Which text a signature was found to cover."""

    RAW = "raw"
    COMPACT = "compact"
    SORTED = "sorted"


def sign(text: bytes, key: str) -> str:
    """The signature of a `data` text, 32 upper-case hex digits."""
    return _digest(text + b"key=" + key.encode()).hex().upper()


def sign_page(timestamp: int, key: str) -> str:
    """The signature of the page of 2.4: over the key and the time in milliseconds, nothing else."""
    return _digest(f"{key}{timestamp}".encode()).hex().upper()


def sign_sorted(text: bytes, key: str) -> str:
    """The second way seen for 3.4: the non-empty pairs of `data`, sorted, `k=v` joined by `&`, then `&key=` and KEY.

    Raises ValueError when `text` is not a JSON object.
    """
    return _digest(_sorted_pairs(text) + b"&key=" + key.encode()).hex().upper()


def verify(text: bytes, signature: str, key: str, *, sorted_pairs: bool = False) -> Signature | None:
    """Which of the texts a peer may sign does `signature` cover? None when it covers none of them.

    `text` are the raw bytes of `data`. `sorted_pairs` admits the second way of 3.4. Never raises.
    """
    try:
        given = bytes.fromhex(signature)
    except ValueError:
        return None
    suffix = b"key=" + key.encode()
    if compare_digest(_digest(text + suffix), given):
        return Signature.RAW
    if compare_digest(_digest(compact(text) + suffix), given):
        return Signature.COMPACT
    if sorted_pairs:
        with contextlib.suppress(ValueError):
            if compare_digest(_digest(_sorted_pairs(text) + b"&" + suffix), given):
                return Signature.SORTED
    return None


def compact(text: bytes) -> bytes:
    """`text` as a serialiser would write it again: wire order, numbers as they were, no blanks, characters unescaped.

    What is not JSON comes back with its blanks removed; it verifies nothing.
    """
    return b"".join(_tokens(text))


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[^"\s]+', re.DOTALL)


def _tokens(text: bytes) -> Iterator[bytes]:
    for match in _TOKEN.finditer(text):
        token = match.group()
        if b"\\" in token and token.startswith(b'"'):
            with contextlib.suppress(ValueError):
                token = json.dumps(json.loads(token), ensure_ascii=False).encode()
        yield token


def _sorted_pairs(text: bytes) -> bytes:
    try:
        pairs = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        texts = {name: _plain(bytes(value)) for name, value in pairs.items()}
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return "&".join(f"{name}={value}" for name, value in sorted(texts.items()) if value not in ("", "null")).encode()


def _plain(value: bytes) -> str:
    return msgspec.json.decode(value, type=str) if value.startswith(b'"') else value.decode()


def _digest(text: bytes) -> bytes:
    return hashlib.md5(text, usedforsecurity=False).digest()
