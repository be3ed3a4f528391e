"""The cars that stand in an edge's lanes, in a file that outlives the edge.

A car that stands on a loop while the edge is started again is the same car afterwards, under the same `presence_id`:
the platform's order, lift and money are its.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from taigan.barriers.barrier import Event, EventKind

log = structlog.get_logger()


class Car(msgspec.Struct, frozen=True):
    """A car on the loop of a lane, since when by the edge's clock."""

    presence_id: str
    since: datetime


class Cars:
    """Which car stands in which lane, by `channel_id`. A file that cannot be read or written costs the memory alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._there: dict[str, Car] = {}
        try:
            self._there = msgspec.json.decode(path.read_bytes(), type=dict[str, Car])
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("the cars in the edge's lanes cannot be read", file=str(path), reason=str(error))

    def there(self, channel_id: str) -> Car | None:
        """The car that stood in the lane when last heard of."""
        return self._there.get(channel_id)

    def heard(self, event: Event) -> None:
        """Keep what an event says of the car in its lane."""
        channel_id, car = event.lane.channel_id, self._there.get(event.lane.channel_id)
        if event.kind is EventKind.ARRIVED:
            self._there[channel_id] = Car(event.presence_id, event.at)
        elif event.kind in (EventKind.PASSED, EventKind.BACKED_OUT) and car and car.presence_id == event.presence_id:
            del self._there[channel_id]
        else:
            return
        self._write()

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.encode(self._there))
            fresh.replace(self._path)
        except OSError as error:
            log.error("the cars in the edge's lanes not kept: a restart would lose them", reason=error.strerror)
