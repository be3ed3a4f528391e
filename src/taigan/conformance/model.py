"""What a run is made of: cases, what they sent and saw, and how they came out."""

from __future__ import annotations

import enum

import msgspec


class Text(msgspec.Struct, frozen=True):
    """The same sentence in both languages."""

    zh: str
    en: str


class Level(enum.StrEnum):
    """What a case rests on."""

    MUST = "must"
    """The document's words."""
    SHOULD = "should"
    """BoLink's sister pages and sister documents."""
    ROBUST = "robust"
    """Ours: what a lot needs that is not to lose stays or money."""
    INFO = "info"
    """The document is silent. Reported, never red."""


class Severity(enum.StrEnum):
    """What is at stake."""

    CRITICAL = "critical"
    """Money, safety, lost stays."""
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"


class Status(enum.StrEnum):
    """How a case came out."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    """Wrong, but not against the document's own words; with `strict` it is a failure."""
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not-applicable"
    """The platform does not claim to do this."""
    NOT_VERIFIED = "not-verified"
    """There was no way to see it."""
    UNSTABLE = "unstable"
    """It came out differently when it was run again."""
    ENGINE_ERROR = "engine-error"
    """The kit's own trouble, no finding."""


class Advice(msgspec.Struct, frozen=True):
    """What a failure means to a lot, and what to do about it. Several cases share one."""

    why: Text
    do: Text


class Case(msgspec.Struct, frozen=True):
    """A row of the catalogue."""

    case_id: str
    level: Level
    severity: Severity
    sees: str
    """How it is seen: O answer of a callback, U upload at the kit's hub, H hook, R recording of the whole run."""
    profile: str
    title: Text
    expected: Text
    advice: Advice
    page: str
    """The page of the document, or of its sister, that it rests on; empty where it is ours."""

    @property
    def section(self) -> str:
        """The interface, as the document numbers it; X for what is held against the whole run."""
        return self.case_id.partition("/")[0]


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. `passed` is None when there was no way to see it."""

    name: str
    level: Level
    passed: bool | None
    expected: Text
    got: Text
    exchange: int | None = None
    """The message it was seen in."""


class Exchange(msgspec.Struct, kw_only=True):
    """A message and its answer, byte for byte. `sent` went to the platform, else it came from there."""

    number: int
    sent: bool
    case_id: str = ""
    section: str = ""
    at: float
    """Seconds since the run began."""
    url: str
    method: str = "POST"
    headers: dict[str, str]
    body: bytes
    status: int | None = None
    answer_headers: dict[str, str] = {}
    answer: bytes = b""
    seconds: float = 0.0
    error: str = ""
    twisted: bool = False
    """Wrong on purpose."""
    group: int = 0
    """Messages of one group were sent at once."""


class Result(msgspec.Struct, kw_only=True):
    """A case as it came out."""

    case: Case
    status: Status
    reason: Text | None = None
    """Why it was skipped, not applicable, not verified, or the kit's own error."""
    checks: list[Check] = []
    exchanges: list[int] = []
    seconds: float = 0.0
    attempts: int = 1
    known: str = ""
    """What the baseline says of this failure; a known one does not count."""
    follows: str = ""
    """The case to be mended first, when this one failed by the same cause."""
    advice: Advice | None = None
    """What to do about it, where more is known than the case's own advice says."""

    @property
    def told(self) -> Advice:
        """What a failure of it means, and what to do."""
        return self.advice or self.case.advice

    @property
    def failures(self) -> list[Check]:
        """The checks that were not met."""
        return [check for check in self.checks if check.passed is False]


class NotVerified(Exception):
    """A case that cannot go on, because something it needs cannot be seen or done from here."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


class NotApplicable(NotVerified):
    """A case about something that the platform does not claim to have."""


class KitError(Exception):
    """The kit cannot do what it was asked; one sentence for a person."""


class BadConfiguration(KitError):
    """Something is missing, unusable or not allowed."""


class LotUnreachable(KitError):
    """The platform does not answer at all."""


class HubUnreachable(LotUnreachable):
    """The hub that takes the platform's uploads does not answer."""
