"""Whoever is refused again and again waits longer for each refusal, and stands in the log with the address.

Only refusals wait: whoever has the right key or token is served at once, from the same address too.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, ip_address

import structlog

from taigan.clock import Clock

log = structlog.get_logger("taigan.process")

AT_ONCE = 10
"""So many refusals an address gets without waiting."""
ONE_MORE_AFTER = 6.0
"""Seconds after which one refusal is forgotten."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 1.0
"""Seconds that the next refusals wait: twice as long each time, up to the longest. BoLink gives up after 5."""
WAITING = 16
"""So many refusals of one address wait at a time; what comes beside them is answered and hung up on."""
REMEMBERED = 4096
"""So many addresses are remembered, those that were refused last."""


class _Refusals:
    def __init__(self) -> None:
        self.count = 0.0
        self.last = 0.0
        self.all = 0
        self.waiting = 0


class Strangers:
    """Counts refusals by address; IPv6 addresses by the network that one customer has (/64)."""

    def __init__(self, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._known: OrderedDict[str, _Refusals] = OrderedDict()

    async def refused(self, address: str, door: str, answer: str) -> bool:
        """Note a refusal that was answered so, and wait as long as it should take.

        Tells whether the connection should be kept.
        """
        refusals = self._note(address)
        if refusals.all & (refusals.all - 1) == 0:  # the first, second, fourth, eighth …
            log.warning("refused", door=door, answer=answer, peer=address, times=refusals.all)
        wait = self._wait(refusals.count)
        if not wait:
            return True
        if refusals.waiting >= WAITING:
            return False
        refusals.waiting += 1
        try:
            await self._sleep(wait)
        finally:
            refusals.waiting -= 1
        return True

    def _note(self, address: str) -> _Refusals:
        now, key = self._clock.monotonic(), network(address)
        refusals = self._known.setdefault(key, _Refusals())
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        refusals.count = max(0.0, refusals.count - (now - refusals.last) / ONE_MORE_AFTER) + 1
        refusals.last = now
        refusals.all += 1
        return refusals

    @staticmethod
    def _wait(count: float) -> float:
        beyond = count - AT_ONCE
        return 0.0 if beyond <= 0 else float(min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(beyond - 1, 10)))


def network(address: str) -> str:
    """The network that one customer has: of IPv6 the first 64 bits; any other text is itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address) or parsed.ipv4_mapped is not None:
        return address
    return parsed.exploded[:19]
