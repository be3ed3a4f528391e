"""What can go wrong between two speakers of BoLink.

BolinkError
 ├── BadMessage     what was received, or is about to be sent, is not a message of the document
 ├── Unreachable    the other side was not reached, or the connection broke
 ├── TimedOut       no answer in time; the other side may have done the work all the same
 ├── BadAnswer      an answer came, but it is not one of the document's
 └── Refused        the other side answered that it will not, with its own words
"""

from __future__ import annotations


class BolinkError(Exception):
    """The root of everything this package raises."""


class BadMessage(BolinkError):
    """A message cannot be used. `field` is the wire name of what is wrong, `body` when it is the whole."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Unreachable(BolinkError):
    """The other side could not be reached, or the connection broke before the answer was there."""


class NeverSent(Unreachable):
    """There was no connection at all: nothing of the message has left."""


class TimedOut(BolinkError):
    """No answer within the time-out. Whether the message was acted on is unknown."""


class BadAnswer(BolinkError):
    """An answer that cannot be read; `raw` is what came, `status` its HTTP status."""

    def __init__(self, reason: str, raw: bytes, status: int = 200) -> None:
        super().__init__(f"{reason} (HTTP {status})")
        self.reason = reason
        self.raw = raw
        self.status = status


class Refused(BolinkError):
    """The other side said no. `text` is its own text, `state` its marker, `raw` the whole answer."""

    def __init__(self, text: str, state: int, raw: bytes) -> None:
        super().__init__(text or f"refused with {state} and no text")
        self.text = text
        self.state = state
        self.raw = raw
