"""One interface of the document, as a line of the catalogue."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from taigan.bolink.errors import BadAnswer, BadMessage, Refused
from taigan.bolink.fields import Message, Note, Whole
from taigan.bolink.wire.codec import read, write
from taigan.bolink.wire.envelope import seal
from taigan.bolink.wire.signing import Signature, SignedText

R = TypeVar("R")
A = TypeVar("A")


class Direction(enum.StrEnum):
    """Who calls whom."""

    UPLINK = "uplink"
    """The lot platform calls BoLink."""
    DOWNLINK = "downlink"
    """BoLink calls the lot platform."""
    PAGE = "page"
    """A browser is sent there."""


class Completeness(enum.StrEnum):
    """How much of the document's page could be read."""

    FULL = "full"
    PARTIAL = "partial"
    NOT_FOUND = "not_found"


class Wrapping(enum.StrEnum):
    """What stands round the message."""

    INSIDE = "inside"
    """`{"data": {...}, "sign": "..."}`; the message itself carries `union_id`, or none is sent."""
    BESIDE = "beside"
    """`union_id` stands beside `data` and `sign`."""
    ANNOUNCED = "announced"
    """`union_id` and `service_name` stand beside an array (9.1)."""
    PLATFORM = "platform"
    """Chapter 8: `platform_name`, `union_id` and `timestamp` stand beside `data` and `sign`."""
    FLAT = "flat"
    """The message is the body, unsigned (6.4)."""
    QUERY = "query"
    """The message is a query string that a browser carries (2.4, 7)."""


class Hosts(msgspec.Struct, frozen=True):
    """Where a group of interfaces lives at BoLink; None where the document names no such address."""

    test: str | None
    production: str | None


UNION = Hosts("https://beta.bolink.club", "https://s.bolink.club")
CLOUD = Hosts("https://test.bolink.club", "https://yun.bolink.club")
COMMUNITY = Hosts("http://120.79.137.171:8085", None)
NOWHERE = Hosts(None, None)


class Success(msgspec.Struct, frozen=True):
    """How an answer says yes: a member and the values of it that mean the message was taken."""

    member: str
    values: tuple[int, ...]
    seen: bool = True
    """False when the document's page was not seen that far: an answer without the member is taken for yes."""
    inside: bool = False
    """The text in `data` holds the JSON of a second verdict (chapter 8)."""
    taken_texts: tuple[str, ...] = ()
    """Words that mean yes although the member says no."""
    may_lack: tuple[str, ...] = ()
    """What an answer with such words need not hold; read as empty."""


STATE = Success("state", (1,))
STATE_OR_PENDING = Success("state", (1, 2))
"""2 means that the result follows: by a callback, or by an upload (5.7)."""
UNSEEN_STATE = Success("state", (1,), seen=False)
UNSEEN_STATE_OR_PENDING = Success("state", (1, 2), seen=False)
VERDICT_INSIDE = Success("code", (1,), inside=True)


class Repeat(msgspec.Struct, frozen=True):
    """May the message be sent again when its answer was lost? And why."""

    safe: bool
    why: str


OWN_DESIGN = "own design: the document's page is not public"
FOLLOWS_SDK = "the document's page is not public: follows its counterpart in the SDK document (sdk/466002)"


class Interface(msgspec.Struct, Generic[R, A], frozen=True, kw_only=True):
    """One line of the catalogue. Everything that is known of an interface without its fields."""

    section: str
    title: str
    title_zh: str
    direction: Direction
    request: type[R]
    answer: type[A] | None = None
    """None where the answer is no JSON (5.4) or there is none."""
    service_name: str | None = None
    event: str = ""
    """What a callback address for this event alone ends in: the service_name, or a name of ours where there is none."""
    hosts: Hosts = NOWHERE
    path: str = ""
    wrapping: Wrapping = Wrapping.INSIDE
    success: Success | None = STATE
    repeat: Repeat
    method: str = ""
    """The client's method, empty where the client has none."""
    completeness: Completeness = Completeness.FULL
    note: str = ""
    """What must be said wherever the interface is shown."""
    sorted_pairs: bool = False
    """Its second way of signing is accepted (3.4)."""
    resent: bool = False
    """BoLink sends it again when it was not answered (payment messages)."""

    @property
    def url_test(self) -> str | None:
        """The documented test address."""
        return None if self.hosts.test is None else self.hosts.test + self.path

    @property
    def url_prod(self) -> str | None:
        """The documented production address."""
        return None if self.hosts.production is None else self.hosts.production + self.path

    def verify(self, text: bytes | SignedText, signature: str, key: str) -> Signature | None:
        """Does a signature belong to a `data` text, in any way this interface admits?

        Whoever tries several keys hands in the same SignedText, so that the text is worked on once.
        """
        signed = text if isinstance(text, SignedText) else SignedText(text)
        return signed.verify(signature, key, sorted_pairs=self.sorted_pairs)

    def body(
        self, text: bytes, key: str, union_id: int | str, *, platform_name: str = "", timestamp: int | None = None
    ) -> bytes:
        """The whole body round a `data` text, wrapped and signed as this interface wants it.

        `platform_name` and `timestamp` (unix seconds) are chapter 8's.
        """
        match self.wrapping:
            case Wrapping.FLAT | Wrapping.QUERY:
                return text
            case Wrapping.BESIDE:
                return seal(text, key, beside=union_id)
            case Wrapping.ANNOUNCED:
                return seal(text, key, beside=union_id, service_name=self.service_name or "")
            case Wrapping.PLATFORM:
                return seal(text, key, beside=union_id, platform_name=platform_name, timestamp=timestamp)
        return seal(text, key)

    def read_request(self, text: bytes) -> R:
        """The request in a `data` text. Raises BadMessage."""
        return read(text, self.request)

    def write(self, request: R) -> bytes:
        """The `data` text of a request. Raises BadMessage."""
        return write(request)  # type: ignore[arg-type]

    def read_answer(self, raw: bytes, status: int = 200) -> A:
        """The answer in a body. Raises Refused when it says no, BadAnswer when it can't be read.

        `status` is the HTTP status: below 500 the body decides, from 500 on it is a BadAnswer whatever the body says.
        """
        if self.answer is None:
            raise TypeError(f"{self.section} has no JSON answer")
        if status >= 500:
            raise BadAnswer("the other side failed", raw, status)
        try:
            self._check_verdict(raw, status)
            answer: A = read(self._completed(raw), self.answer)
        except BadMessage as error:
            raise BadAnswer(str(error), raw, status) from error
        return answer

    def _completed(self, raw: bytes) -> bytes:
        if self.success is None or read(raw, _Verdict).text not in self.success.taken_texts:
            return raw
        given = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        return msgspec.json.encode(dict.fromkeys(self.success.may_lack, "") | given)

    def _check_verdict(self, raw: bytes, status: int) -> None:
        verdict = read(raw, _Verdict)
        value = verdict.state if self.success is None else getattr(verdict, self.success.member)
        if value is None and verdict.state == 0:
            raise Refused(verdict.text, 0, raw)
        if self.success is None:
            return
        if value is None:
            if self.success.seen or status >= 400:
                raise BadMessage(self.success.member, "is missing")
        elif value not in self.success.values and verdict.text not in self.success.taken_texts:
            raise Refused(verdict.text, value, raw)
        if self.success.inside:
            inner = read(read(raw, _WithVerdict).data.encode(), _Verdict)
            if inner.state != 1:
                raise Refused(inner.text or verdict.text, inner.state or 0, raw)


class _Verdict(Message):
    state: Whole | None = None
    code: Whole | None = None
    errmsg: str | None = None
    message: str | None = None

    @property
    def text(self) -> str:
        return (self.errmsg or self.message or "").strip()


class _WithVerdict(Message):
    data: Annotated[str, Note("a JSON document encoded as a string", json_text=_Verdict)]


AnyInterface = Interface[Any, Any]
