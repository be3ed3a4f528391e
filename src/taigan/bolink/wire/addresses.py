"""Where BoLink is: its test side, its production side, or a stand-in."""

from __future__ import annotations

import msgspec

from taigan.bolink.describing.interface import AnyInterface
from taigan.bolink.errors import Unreachable


class Addresses(msgspec.Struct, frozen=True):
    """The addresses of one side of BoLink."""

    name: str
    base: str = ""

    @classmethod
    def at(cls, base: str) -> Addresses:
        """A stand-in: `base` replaces scheme and host of every documented address, the path is kept."""
        return cls("custom", base.rstrip("/"))

    def url(self, interface: AnyInterface) -> str:
        """The address of an interface. Raises Unreachable when the document names none."""
        if self.base:
            return self.base + interface.path
        url = interface.url_test if self.name == "test" else interface.url_prod
        if url is None:
            raise Unreachable(f"{interface.section} {interface.title}: no {self.name} address is documented")
        return url

    def polling(self, path: str) -> str:
        """The address of a path of `taigan.bolink.wire.polling`."""
        if self.base:
            return self.base + path
        return f"https://{'ptest' if self.name == 'test' else 'p'}.bolink.club{path}"


TEST = Addresses("test")
PRODUCTION = Addresses("production")
