"""Signatures (section 1.2), and what makes two messages one.

A message is signed over the text of its `data` exactly as it stands in the body: `MD5(data + "key=" + KEY)`, in
upper-case hex. A peer may have signed another text than it sent, its own compact serialisation, so that is tried too.
2.4 signs the key and a timestamp instead; 3.4 is signed by some public clients over its sorted pairs.

Since both texts verify, whoever holds one signed text can write it in many ways: with a blank, a line or an escape
more. All of them are one message, and `SignedText.digest` is the same for all.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
import re
from collections.abc import Iterator
from hmac import compare_digest

import msgspec

LONGEST_COMPACT = 8 * 1024
"""Bytes of the longest text whose compact form is worked out. A longer one has to be signed as it stands."""


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
    return _digest(pairs_of(text) + b"&key=" + key.encode()).hex().upper()


class SignedText:
    """A `data` text as it came, before and after it is known who signed it.

    However many keys are tried, the text is hashed once, and its compact form is worked out once and only when needed.
    """

    __slots__ = ("_as_compact", "_as_sent", "_compact", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._as_sent = hashlib.md5(text, usedforsecurity=False)
        self._as_compact: hashlib._Hash | None = None
        self._compact: bytes | None = None

    def verify(self, signature: str, key: str, *, sorted_pairs: bool = False) -> Signature | None:
        """Which of the texts a peer may sign does `signature` cover? None when it covers none of them.

        The text as it came is tried before any other. `sorted_pairs` admits the second way of 3.4. Never raises.
        """
        try:
            given = bytes.fromhex(signature)
        except ValueError:
            return None
        suffix = b"key=" + key.encode()
        if compare_digest(_continued(self._as_sent, suffix), given):
            return Signature.RAW
        if len(self.text) > LONGEST_COMPACT:
            return None
        if self._as_compact is None:
            self._as_compact = hashlib.md5(self.compact, usedforsecurity=False)
        if compare_digest(_continued(self._as_compact, suffix), given):
            return Signature.COMPACT
        if sorted_pairs:
            with contextlib.suppress(ValueError):
                if compare_digest(_digest(pairs_of(self.text) + b"&" + suffix), given):
                    return Signature.SORTED
        return None

    @property
    def compact(self) -> bytes:
        """The compact form; of a text too long for it the text itself, whose signature covers nothing else."""
        if self._compact is None:
            self._compact = compact(self.text) if len(self.text) <= LONGEST_COMPACT else self.text
        return self._compact

    def digest(self, *about: str) -> str:
        """The identity of the message that was signed: the same however the text was written. 64 hex digits.

        `about` is what else tells two messages apart, and holds no NUL: the vendor, the lot.
        """
        named = "".join(f"{part}\0" for part in about).encode()
        return hashlib.sha256(named + self.compact).hexdigest()


def verify(text: bytes, signature: str, key: str, *, sorted_pairs: bool = False) -> Signature | None:
    """`SignedText.verify` for one key. `text` are the raw bytes of `data`. Never raises."""
    return SignedText(text).verify(signature, key, sorted_pairs=sorted_pairs)


def compact(text: bytes) -> bytes:
    """`text` as a serialiser would write it again: wire order, numbers as they were, no blanks, characters unescaped.

    What is not JSON comes back with its blanks removed; it verifies nothing.
    """
    return b"".join(_tokens(text)) if _TO_REWRITE.search(text) else text


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[^"\s]+', re.DOTALL)
_string = msgspec.json.Decoder(str).decode
_TO_REWRITE = re.compile(rb"[\s\\]")


def _tokens(text: bytes) -> Iterator[bytes]:
    for match in _TOKEN.finditer(text):
        token = match.group()
        if b"\\" in token and token.startswith(b'"'):
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                token = msgspec.json.encode(_string(token))
        yield token


def pairs_of(text: bytes) -> bytes:
    """The non-empty pairs of a `data` text, sorted, `k=v` joined by `&`.

    Raises ValueError when it is no JSON object, or the pairs could be those of another message too.

    JSON's null and empty texts are left out, as those clients do; a text "null" is refused, since they leave it out and
    a reader does not. An `&name=` inside a value is refused where `name` could be the next member.
    """
    try:
        pairs = {name: bytes(value) for name, value in msgspec.json.decode(text, type=dict[str, msgspec.Raw]).items()}
        texts = {name: _plain(value) for name, value in pairs.items() if value != b"null"}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if "null" in texts.values():
        raise ValueError("a value is the text null")
    given = sorted((name, value) for name, value in texts.items() if value)
    following = [name for name, _ in given[1:]] + [""]
    for (name, value), after in zip(given, following, strict=True):
        if "&" in name or "=" in name:
            raise ValueError(f"{name} is no name")
        for part in value.split("&")[1:]:
            inner, equals, _ = part.partition("=")
            if equals and inner > name and (not after or inner < after):
                raise ValueError(f"{name} could be two members")
    return "&".join(f"{name}={value}" for name, value in given).encode()


def _plain(value: bytes) -> str:
    return msgspec.json.decode(value, type=str) if value.startswith(b'"') else value.decode()


def _continued(begun: hashlib._Hash, suffix: bytes) -> bytes:
    ended = begun.copy()
    ended.update(suffix)
    return ended.digest()


def _digest(text: bytes) -> bytes:
    return hashlib.md5(text, usedforsecurity=False).digest()
