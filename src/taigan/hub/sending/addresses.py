"""Where a message may go: an address that a message brought along must not lead into the hub's own network."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import ResolveResult


def same_host(url: str, other: str) -> bool:
    """Whether two addresses name the same host."""
    return _host(url) == _host(other) != ""


async def is_public(url: str) -> bool:
    """Whether every address of the host is one of the public network; a name that leads nowhere is none."""
    host = _host(url)
    if not host:
        return False
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(_public(str(address[4][0])) for address in found)


class PublicResolver(aiohttp.ThreadedResolver):
    """Finds public addresses only: a name that led elsewhere when it was looked at leads nowhere now."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError for a name that leads into a private network."""
        found = await super().resolve(host, port, family)
        if not all(_public(address["host"]) for address in found):
            raise OSError(errno.EACCES, f"{host} leads into a private network")
        return found


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    inside = getattr(ip, "ipv4_mapped", None) or ip
    return bool(inside.is_global) and not inside.is_multicast


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
