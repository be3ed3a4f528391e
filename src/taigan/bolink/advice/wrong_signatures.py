"""Why a signature is wrong: the usual mistakes are tried until one gives what was received.

A person sees what was done otherwise, in words, and the right signature worked out with the key hidden. What is said is
always proved: only a mistake whose result is the received signature is named.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping

import msgspec

from taigan.bolink.advice.mistakes import CHINESE, ENGLISH, Mistake
from taigan.bolink.advice.signed_texts import Candidate, candidates
from taigan.bolink.wire.signing import Signature, SignedText, sign

HIDDEN_KEY = "••••"
UNEXPLAINED = (
    "不是常见的错误：多半是密钥不同；先核对密钥，再逐字节核对签的文字",
    "none of the usual mistakes: the key is probably another one; check the key, then the signed text byte by byte",
)
"""What is said of a wrong signature that nothing explains, in Chinese and English."""
_MOST_KEYS = 20
_LEAST_DIGITS = 16
_JOINTS: tuple[tuple[str, tuple[Mistake, ...]], ...] = (
    ("key=", ()),
    ("&key=", (Mistake.AMPERSAND,)),
    ("", (Mistake.NO_KEY_NAME,)),
    ("&", (Mistake.AMPERSAND, Mistake.NO_KEY_NAME)),
    ("KEY=", (Mistake.KEY_NAME,)),
    ("&KEY=", (Mistake.AMPERSAND, Mistake.KEY_NAME)),
    ("Key=", (Mistake.KEY_NAME,)),
    ("key:", (Mistake.KEY_NAME,)),
    ("key", (Mistake.KEY_NAME,)),
    ("secret=", (Mistake.KEY_NAME,)),
    ("&secret=", (Mistake.AMPERSAND, Mistake.KEY_NAME)),
    ("ckey=", (Mistake.KEY_NAME,)),
)
_USUAL_JOINTS = _JOINTS[:3]
_MOST_BYTES = 128 * 1024
"""What all the texts that are tried hold together, at most: it bounds the time."""
_HASHES = {20: (Mistake.SHA1, "sha1"), 32: (Mistake.SHA256, "sha256"), 64: (Mistake.SHA512, "sha512")}
_HMACS = {16: (Mistake.HMAC_MD5, "md5"), 20: (Mistake.HMAC_SHA1, "sha1"), 32: (Mistake.HMAC_SHA256, "sha256")}
_SIZES = {40: "SHA-1", 64: "SHA-256", 128: "SHA-512", 16: "16 位 MD5 / half an MD5"}


class Mistaken(msgspec.Struct, frozen=True):
    """Mistakes that together give the signature that was received."""

    mistakes: tuple[Mistake, ...]
    details: tuple[tuple[Mistake, str], ...] = ()
    """What a mistake's words name: the fields, the other key, how "key=" was written."""

    def words(self, language: str = "zh") -> str:
        """What was done otherwise, in one line: `zh` or `en`."""
        known, mark = (CHINESE, "；另外") if language == "zh" else (ENGLISH, "; and ")
        named = dict(self.details)
        return mark.join(known[mistake].replace("{field}", named.get(mistake, "")) for mistake in self.mistakes)


class WorkedOut(msgspec.Struct, frozen=True):
    """How the right signature comes about."""

    text: str
    """The signed text, the key hidden."""
    digest: str
    """Its MD5, lower-case hex."""
    sign: str


def worked_out(text: bytes, key: str) -> WorkedOut:
    """The right signature of a `data` text, step by step, without the key in it."""
    right = sign(text, key)
    return WorkedOut(text.decode("utf-8", "replace") + "key=" + HIDDEN_KEY, right.lower(), right)


class _Way(msgspec.Struct, frozen=True, gc=False):
    """What is put round a text before it is hashed."""

    after: bytes
    mistakes: tuple[Mistake, ...] = ()
    key: str = ""
    joint: str = ""
    before: bytes = b""
    twice: bool = False


class Attempts:
    """Everything that the usual mistakes make of one message.

    `text` is what `data` holds as it came, `body` the whole body where there was one, `other_keys` are keys by the name
    that a person knows them under. The work is bounded: about 100 texts, fewer of a long message.
    """

    def __init__(self, text: bytes, key: str, body: bytes = b"", other_keys: Mapping[str, str] | None = None) -> None:
        self._text = text
        self._key = key
        keys = list(_keys(key, other_keys or {}))
        own = [_Way(joint.encode() + keys[0][0], mistakes, "", joint) for joint, mistakes in _JOINTS]
        usual = [way for way in own if way.joint in ("key=", "&key=", "")]
        self._ways = [*own, _Way(b"", (Mistake.NO_KEY,))]
        self._more_ways = [
            *self._ways,
            *(
                _Way(joint.encode() + other, by_key + mistakes, name, joint)
                for other, by_key, name in keys[1:]
                for joint, mistakes in _USUAL_JOINTS
            ),
            *(msgspec.structs.replace(way, mistakes=(*way.mistakes, Mistake.TWICE), twice=True) for way in usual),
            *_with_key_first(keys[0][0]),
        ]
        self._texts: list[Candidate] = []
        self._found: dict[bytes, tuple[Candidate, _Way]] = {}
        seen, left = set(), _MOST_BYTES
        for candidate in candidates(text, body):
            if candidate.text in seen:
                continue
            left -= len(candidate.text)
            if left < 0 and self._texts:
                break
            seen.add(candidate.text)
            self._texts.append(candidate)
            self._try(candidate)

    def explain(self, signature: str) -> Mistaken | None:
        """The mistakes that give this signature; None when none of them does, or when it covers the text as it came."""
        if SignedText(self._text).verify(signature, self._key) is Signature.RAW:
            return None
        given, how = _taken_apart(signature)
        found = self._of(given) if given is not None else None
        return Mistaken(found.mistakes + how, found.details) if found and found.mistakes + how else None

    def _of(self, given: bytes) -> Mistaken | None:
        if len(given) == 16:
            found = self._found.get(given)
            return _mistaken(*found) if found else self._by_hmac(given)
        if len(given) in _HASHES:
            return self._by_hash(given) or self._by_hmac(given)
        if 2 * len(given) < _LEAST_DIGITS:
            return None
        for digest, found in self._found.items():
            if len(given) == 8 and digest[4:12] == given:
                return _mistaken(*found, Mistake.SHORT)
            if digest.startswith(given):
                return _mistaken(*found, Mistake.CUT)
        return None

    def _try(self, candidate: Candidate) -> None:
        found, text = self._found, candidate.text
        begun = hashlib.md5(text, usedforsecurity=False)
        for way in self._more_ways if candidate.likely else self._ways:
            if way.before:
                digest = hashlib.md5(way.before + text + way.after, usedforsecurity=False).digest()
            else:
                ended = begun.copy()
                ended.update(way.after)
                digest = ended.digest()
            if way.twice:
                for again in (digest.hex(), digest.hex().upper()):
                    found.setdefault(hashlib.md5(again.encode(), usedforsecurity=False).digest(), (candidate, way))
            else:
                found.setdefault(digest, (candidate, way))

    def _by_hash(self, given: bytes) -> Mistaken | None:
        mistake, name = _HASHES[len(given)]
        for candidate in self._likely():
            for way in self._ways:
                if hashlib.new(name, candidate.text + way.after).digest() == given:
                    return _mistaken(candidate, way, mistake)
        return None

    def _by_hmac(self, given: bytes) -> Mistaken | None:
        if len(given) not in _HMACS:
            return None
        mistake, name = _HMACS[len(given)]
        key = self._key.encode()
        for candidate in self._likely():
            for text in (candidate.text, candidate.text + b"key=" + key):
                if hmac.digest(key, text, name) == given:
                    return Mistaken((*candidate.mistakes, mistake))
        return None

    def _likely(self) -> Iterator[Candidate]:
        return (candidate for candidate in self._texts if candidate.likely)


def explain_signature(
    text: bytes, signature: str, key: str, *, body: bytes = b"", other_keys: Mapping[str, str] | None = None
) -> Mistaken | None:
    """Which usual mistakes give this signature of a `data` text? None when none of them does, or when it is right.

    See `Attempts` for the arguments. Costs a few milliseconds, whatever comes in. Never raises.
    """
    return Attempts(text, key, body, other_keys).explain(signature)


def why_wrong(
    text: bytes, signature: str, key: str, *, body: bytes = b"", other_keys: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """What to tell the sender of a wrong signature, in Chinese and English: the usual mistake, else what its looks
    tell, else `UNEXPLAINED`. See `Attempts` for the arguments.
    """
    found = explain_signature(text, signature, key, body=body, other_keys=other_keys)
    if found is not None:
        return found.words("zh"), found.words("en")
    by_looks = shape_of(signature)
    return by_looks if by_looks[0] else UNEXPLAINED


def _mistaken(candidate: Candidate, way: _Way, *more: Mistake) -> Mistaken:
    every = (*candidate.mistakes, *way.mistakes, *more)
    details = (
        (Mistake.FIELD_UNSIGNED, candidate.detail),
        (Mistake.OTHER_KEY, way.key),
        (Mistake.KEY_NAME, way.joint),
    )
    return Mistaken(every, tuple(detail for detail in details if detail[0] in every))


def _with_key_first(key: bytes) -> Iterator[_Way]:
    for before in (key, b"key=" + key, b"key=" + key + b"&", key + b"&"):
        yield _Way(b"", (Mistake.KEY_FIRST,), before=before)
    yield _Way(key, (Mistake.KEY_BOTH_ENDS,), before=key)
    yield _Way(b"key=" + key, (Mistake.KEY_BOTH_ENDS,), before=b"key=" + key)


def shape_of(signature: str) -> tuple[str, str]:
    """What is wrong with a signature by its looks alone, in Chinese and English; both empty when it looks well."""
    tidy = signature.strip()
    try:
        bytes.fromhex(tidy)
    except ValueError:
        return ("签名不是十六进制；应是 32 位大写十六进制", "the signature is no hex; it has 32 upper-case hex digits")
    if len(tidy) == 32:
        return "", ""
    like = f"（{_SIZES[len(tidy)]}）" if len(tidy) in _SIZES else ""
    return (
        f"签名有 {len(tidy)} 位{like}；MD5 是 32 位十六进制",
        f"the signature has {len(tidy)} digits; an MD5 has 32",
    )


def _keys(key: str, others: Mapping[str, str]) -> Iterator[tuple[bytes, tuple[Mistake, ...], str]]:
    """The key, then those that somebody may have taken for it."""
    yield key.encode(), (), ""
    for name, other in list(others.items())[:_MOST_KEYS]:
        if other != key:
            yield other.encode(), (Mistake.OTHER_KEY,), name
    yield from ((other.encode(), (Mistake.KEY_CASE,), "") for other in (key.lower(), key.upper()) if other != key)
    for blank in (f"{key}\n", f"{key}\r\n", f"{key} ", f" {key}", f'"{key}"'):
        yield blank.encode(), (Mistake.KEY_BLANKS,), ""


def _taken_apart(signature: str) -> tuple[bytes | None, tuple[Mistake, ...]]:
    """The digest that a signature stands for, and how it is written when not in hex."""
    tidy = "".join(signature.split()).replace("-", "").replace(":", "")
    if len(tidy) > 200:
        return None, ()
    with_digits = _unhexed(tidy if len(tidy) % 2 == 0 else tidy[:-1])
    if with_digits is not None:
        return with_digits, ()
    try:
        plain = base64.b64decode(tidy, validate=True)
    except (binascii.Error, ValueError):
        return None, ()
    if len(plain) in (16, 20, 32) and (inner := _unhexed(plain.decode("latin-1"))) is not None:
        return inner, (Mistake.BASE64,)
    return (plain, (Mistake.BASE64,)) if len(plain) in (16, 20, 32, 64) else (None, ())


def _unhexed(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
