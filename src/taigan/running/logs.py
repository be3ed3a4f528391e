"""The logs: structured, one line per event, and without anything that would let a reader act as somebody else.

Never written: vendor keys, signatures, tokens, verification codes. Masked, so that a person can still tell two of them
apart: phone numbers and WeChat or Alipay identities. It makes no difference whether they stand in a field of their own,
deep inside one, or in the text of a body.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, TextIO

import msgspec
import structlog

HIDDEN = "••••"

SECRET_NAMES = frozenset(
    {
        "key",
        "sign",
        "signature",
        "secret",
        "password",
        "token",
        "api_token",
        "admin_token",
        "access_token",
        "authorization",
        "cookie",
        "set-cookie",
        "code",
        "verify_code",
        "verifycode",
        "sms_code",
        "auth_code",
    }
)
"""Fields whose value is never shown. `code` is one: an entry's code lets one scan, an SMS code lets one pass."""

MASKED_NAMES = frozenset(
    {"mobile", "mobile_number", "phone", "openid", "open_id", "pay_user_id", "user_id", "buyer_id"}
)
"""Fields of which the beginning and the end are shown."""

PERSONAL_NAMES = MASKED_NAMES | {"verify_code", "verifycode", "sms_code", "auth_code"}
"""Fields that no page shows either, but for the one who asks to see them."""

_NAMES = "|".join(sorted(SECRET_NAMES | MASKED_NAMES, key=len, reverse=True))
_QUOTE = r'(?P<quote>\\*["\'])'

# "name": "value", with quotes escaped any number of times (JSON inside JSON); "name": 123
_IN_JSON = re.compile(
    rf"(?i){_QUOTE}\s*(?P<name>{_NAMES})\s*(?P=quote)\s*:\s*(?P<value>(?P=quote).*?(?P=quote)|[^\s,}}\]\"'\\]+)"
)
# name=value, as in a query, a form or a connection address
_IN_FORM = re.compile(rf"(?i)(?<![\w-])(?P<name>{_NAMES})=(?P<value>[^\s&;,\"'\\]+)")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+")
_IN_ADDRESS = re.compile(r"(?<=://)(?P<user>[^\s:/@]*):[^\s/@]+@")
_CODE_IN_WORDS = re.compile(r"(?P<words>验证码\D{0,8})\d{4,8}(?!\d)")
_SIGNATURE = re.compile(r"(?<![0-9A-Za-z])[0-9A-F]{32}(?![0-9A-Za-z])")
_ONE, _GAP = "[1１]", r"[ \-\u2010-\u2015\u00a0－　]?"
_PHONE = re.compile(
    r"(?=[+(018１])(?:"  # what any begins with: all else is passed over soon
    rf"(?<!\d)(?<!\d[.．])(?:(?:\+|00)?86{_GAP})?{_ONE}[3-9３-９]\d{_GAP}\d{{4}}{_GAP}\d{{4}}(?!\d)"  # a mobile one
    rf"|(?<!\d)(?:\(0\d{{2,3}}\)|0\d{{2,3}}[ \-－])\d{{7,8}}(?!\d)"  # one of a house, with its city
    rf"|(?<![\d+])\+[1-9](?:{_GAP}\d){{7,14}}(?!\d))"  # one from elsewhere
)
"""A phone number as people type it, wherever it stands: with gaps or without, in wide digits, words on both sides."""
_SHORTEST = 11  # a phone number; signatures and identities are longer
_WORD = re.compile(r"\w*", re.ASCII)  # an id: nothing in it has a name, a user or a scheme before it
_IDENTITY = re.compile(r"(?<![\w-])(?:o[\w-]{27}|2088\d{12})(?![\w-])")


def mask(text: str) -> str:
    """`13812345678` becomes `138••••5678`; what is too short to keep both ends is hidden whole."""
    return f"{text[:3]}{HIDDEN}{text[-4:]}" if len(text) >= 10 else HIDDEN if text else text


def without_people(text: str) -> str:
    """A text for a page: phone numbers, identities and codes masked or hidden, signatures as they are."""

    def of_person(found: re.Match[str]) -> str:
        return _hide_in_json(found) if found["name"].lower() in PERSONAL_NAMES else found[0]

    text = _IN_JSON.sub(of_person, text)
    text = _PHONE.sub(lambda found: mask(found[0]), text)
    return _IDENTITY.sub(lambda found: mask(found[0]), text)


class Redaction:
    """A structlog processor. `secrets`, the keys and tokens in use, must never appear, wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        self._short = lru_cache(maxsize=4096)(self.text)  # most of what is logged was logged before

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name, value in event.items():
            event[name] = self._field(name, value)
        return event

    def text(self, text: str) -> str:
        """The text with every secret in it hidden and every identity in it masked."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        if not _WORD.fullmatch(text):
            text = self._without_named(text)
        if len(text) < _SHORTEST:
            return text
        text = _SIGNATURE.sub(HIDDEN, text)
        text = _PHONE.sub(lambda found: mask(found[0]), text)
        return _IDENTITY.sub(lambda found: mask(found[0]), text)

    @staticmethod
    def _without_named(text: str) -> str:
        """The text without what a word beside it gives away."""
        if ":" in text:
            text = _IN_JSON.sub(_hide_in_json, text)
            text = _IN_ADDRESS.sub(rf"\g<user>:{HIDDEN}@", text)
        if "=" in text:
            text = _IN_FORM.sub(lambda found: f"{found['name']}={_shown(found['name'], found['value'])}", text)
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        return _CODE_IN_WORDS.sub(rf"\g<words>{HIDDEN}", text) if "验证码" in text else text

    def _field(self, name: str, value: Any) -> Any:
        secret, masked = _kind_of(name)
        if secret:
            return HIDDEN if value not in (None, "", b"") else value
        if masked and not isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return mask(_decoded(value)) if value is not None else None
        return self._value(value)

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self._short(value) if len(value) <= 64 else self.text(value)
            case bytes() | bytearray() | memoryview():
                return self.text(_decoded(value))
            case None | bool() | int() | float():
                return value if not _looks_like_phone(value) else mask(str(value))
            case Mapping():
                return {self._value(key): self._field(str(key), inner) for key, inner in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._value(inner) for inner in value]
            case _:
                return self.text(str(value))


@lru_cache(maxsize=1024)
def _kind_of(name: str) -> tuple[bool, bool]:
    """Whether a field of that name is a secret, and whether it is masked."""
    plain = name.lower()
    return plain in SECRET_NAMES, plain in MASKED_NAMES


def _looks_like_phone(value: object) -> bool:
    return isinstance(value, int) and 13_000_000_000 <= value <= 19_999_999_999


def _decoded(value: object) -> str:
    return bytes(value).decode(errors="replace") if isinstance(value, (bytes, bytearray, memoryview)) else str(value)


def _shown(name: str, value: str) -> str:
    return HIDDEN if name.lower() in SECRET_NAMES else mask(value)


def _hide_in_json(found: re.Match[str]) -> str:
    quote, value = found["quote"], found["value"]
    inside = value.removeprefix(quote).removesuffix(quote)
    shown = _shown(found["name"], inside)
    whole = found[0]
    head = whole[: len(whole) - len(value)]
    return f"{head}{quote}{shown}{quote}"


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _harmless(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What a stranger sent moves no cursor, rings no bell and turns no line round: control characters are escaped."""
    for name, value in event.items():
        if isinstance(value, str) and _CONTROL.search(value):
            event[name] = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), value)
    return event


def _event_first(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A line reads: when, how bad, what, and then its details."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return {**first, **event}


_encoder = msgspec.json.Encoder(enc_hook=str)


def _as_json(event: Mapping[str, Any], **options: Any) -> str:
    return _encoder.encode(event).decode()


def _in_one_line(record: logging.LogRecord) -> bool:
    """A stranger's head that cannot be read is no error of ours: what was wrong with it is enough."""
    error = record.exc_info[1] if record.exc_info else None
    if type(error).__module__ == "aiohttp.http_exceptions":
        record.exc_info = None
        record.levelno, record.levelname = logging.INFO, "INFO"
        why = str(getattr(error, "message", "")).partition("\n")[0]
        record.msg, record.args = "a request could not be read: %s", (why,)
    return record.levelno >= logging.getLogger().level


def set_up(*, json: bool, level: str, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's logging, redacted, to `stream` (standard error by default).

    `json` writes one JSON object per line, otherwise lines for people. `level` is debug, info, warning or error.
    """
    target = stream or sys.stderr
    redaction = Redaction(secrets)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        redaction,
        _harmless,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _event_first,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_as_json)
        if json
        else structlog.dev.ConsoleRenderer(colors=target.isatty(), pad_event_to=0)
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for chatty in ("uvicorn", "aiohttp.access", "sqlalchemy.engine", "alembic", "asyncio"):
        logging.getLogger(chatty).setLevel(max(threshold, logging.WARNING))
    logging.getLogger("aiohttp.server").addFilter(_in_one_line)
