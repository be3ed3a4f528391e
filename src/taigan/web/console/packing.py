"""What goes over the wire packed by gzip: files always, pages where no stranger has a hand in them.

The length of a packed page tells somebody who can watch the line, and can have a browser ask for it with texts of his
own again and again, what else stands in it (BREACH). So a page that another site had the browser ask for goes as it is.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping

SMALLEST = 1000
"""Bytes below which packing is not worth it."""
LEVEL = 6
ON_WHAT = "accept-encoding, sec-fetch-site"
"""The headers that decide whether a page is packed."""
_OURS = ("same-origin", "none")
"""Sec-Fetch-Site of what one of our pages asked for, or the person by the address bar or a bookmark."""


def takes_packed(headers: Mapping[str, str]) -> bool:
    """Whether the browser takes gzip (Accept-Encoding)."""
    for part in headers.get("accept-encoding", "").lower().split(",")[:20]:
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.strip().replace(" ", "").rstrip("0.") != "q="
    return False


def asked_by_ourselves(headers: Mapping[str, str], *, secure: bool) -> bool:
    """Whether no other site had the browser ask. Browsers leave that out without TLS, where every line can be read
    anyway; one that never says it gets its pages unpacked where TLS is."""
    site = headers.get("sec-fetch-site")
    return site in _OURS if site is not None else not secure


def packed(body: bytes, level: int = LEVEL) -> bytes:
    """The same, packed."""
    return gzip.compress(body, level, mtime=0)
