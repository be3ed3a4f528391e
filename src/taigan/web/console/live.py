"""The one event stream of a browser: which things of a lot have changed. Never what they are: that is fetched, and
rights are looked at then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from taigan.lot.signals.events import Events, Step
from taigan.web.live import Still, heard

BEAT = 10.0
"""Seconds after which a stream shows that it is alive; a page that hears nothing for longer says so."""
GATHER = 0.05
"""Seconds in which what happens together is told together."""


SPACES_CHANGE = frozenset({"entry", "lift", "left", "released", "act"})
"""Steps after which another number of spaces may be free; and cars that drove through a lane."""
DRIVEN = frozenset({"passed", "second_car", "backed_out"})


def keys_of(step: Step) -> set[str]:
    """The names under which the parts of pages wait for a step."""
    keys = {"lot"}
    for field, kind in (("channel_id", "lane"), ("order_id", "order")):
        if step.get(field):
            keys.add(f"{kind}:{step[field]}")
    if step.get("step") in ("alarm", "alarm_changed"):
        keys.add("alarms")
    if step.get("step") in SPACES_CHANGE or (step.get("step") == "lane" and step.get("kind") in DRIVEN):
        keys.add("spaces")
    if step.get("step") in ("errand", "act"):
        keys.add("errands")
    return keys


async def changes(events: Events, lot_id: str, still: Still, *, beat: float = BEAT) -> AsyncIterator[bytes]:
    """Names of what changed in a lot, one message for what happened together, until the platform stops.

    The first message, `hello`, tells a page that comes back to fetch everything: what it missed is in it.
    """
    alive = b"retry: 1500\nevent: hello\ndata: -\n\n"
    async with aclosing(heard(events, lot_id, still, beat=beat, gather=GATHER)) as batches:
        async for batch in batches:
            if batch:
                keys = sorted(set().union(*map(keys_of, batch)))
                yield b"event: changed\n" + b"".join(b"data: %s\n" % key.encode() for key in keys) + b"\n"
            else:
                yield alive
                alive = b"event: beat\ndata: -\n\n"
