"""The simulated lanes by their driver's name."""

from __future__ import annotations

import msgspec

from taigan.barriers.barrier import Barrier
from taigan.barriers.kinds.simulated.lanes import SimulatedLanes
from taigan.barriers.site import Lane, Site


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A lane of `taigan lanes`. `url`: where the lanes run."""

    url: str

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("`url` must begin with http:// or https://")


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane, behind the one connection to its address."""
    lanes = site.shared(
        ("simulated", settings.url),
        lambda: SimulatedLanes(settings.url, site.sink, site.clock, photos=site.photos),
    )
    return lanes.lane(lane.key, lane.detector)
