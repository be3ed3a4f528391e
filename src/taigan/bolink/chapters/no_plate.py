"""Chapter 7: the number of a driver without a plate, for other platforms."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import msgspec

from taigan.bolink.describing.interface import UNION, AnyInterface, Direction, Interface, Repeat, Wrapping
from taigan.bolink.fields import Message, Note


class LicencePage(Message):
    """7 无牌车开放接口, request: sends a driver's browser for the driver's no-plate number, and back with it."""

    redirect_url: Annotated[
        str,
        Note(
            "address to return to after the plate was fetched, URL-encoded",
            "https%3A%2F%2Fbaidu.com%3Fa%3D100%26b%3D200",
        ),
    ] = msgspec.field(name="redirectUrl")


class Licence(Message):
    """7 无牌车开放接口, answer."""

    licence: Annotated[str, Note("the no-plate number, appended as the last query parameter of redirectUrl", "6F4C859")]


def with_licence(redirect_url: str, licence: str) -> str:
    """Where the browser is sent back to: the address with `licence` as the last parameter of its query.

    `https://baidu.com?a=100` becomes `https://baidu.com?a=100&licence=6F4C859`. A fragment stays at the end.
    """
    address, hash_, fragment = redirect_url.partition("#")
    joint = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode({'licence': licence})}{hash_}{fragment}"


INTERFACES: tuple[AnyInterface, ...] = (
    Interface(
        section="7",
        title="No-plate open interface (fetch or make a driver's no-plate number)",
        title_zh="无牌车开放接口",
        direction=Direction.PAGE,
        request=LicencePage,
        answer=Licence,
        hosts=UNION,
        path="/unionapi/getlicence",
        wrapping=Wrapping.QUERY,
        success=None,
        repeat=Repeat(True, "a driver keeps one number"),
        method="licence_page",
    ),
)
