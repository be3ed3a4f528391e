"""HTTP Digest as an embedded device checks it (RFC 2617, MD5, qop auth), Basic, and an account that locks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

LOCKED_AFTER = 5
NONCES_KEPT = 64

_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


class Gatekeeper:
    """Lets in who knows user and password. `refused` counts wrong ones in a row; after five nobody is let in."""

    def __init__(self, realm: str, username: str, password: str) -> None:
        self._realm = realm
        self._username = username
        self._password = password
        self._nonces: dict[str, int] = {}
        self.refused = 0

    @property
    def locked(self) -> bool:
        """Whether the account is locked."""
        return self.refused >= LOCKED_AFTER

    def challenge(self) -> str:
        """What to answer to who is not let in, in WWW-Authenticate."""
        nonce = secrets.token_hex(16)
        self._nonces[nonce] = 0
        if len(self._nonces) > NONCES_KEPT:
            del self._nonces[next(iter(self._nonces))]
        return f'Digest realm="{self._realm}", qop="auth", nonce="{nonce}", algorithm=MD5'

    def forget_used(self) -> None:
        """Nonces that were used grow too old; one that was only offered stays good."""
        self._nonces = {nonce: used for nonce, used in self._nonces.items() if not used}

    def has_had(self, authorization: str) -> bool:
        """Whether these Digest credentials are made with a nonce that was used before."""
        shown = re.search(r'nonce="([^"]*)"', authorization)
        return shown is not None and self._nonces.get(shown[1], 1) > 0

    def knows(self, authorization: str) -> bool:
        """Whether these are the right Basic credentials."""
        right = base64.b64encode(f"{self._username}:{self._password}".encode()).decode()
        if not authorization.startswith("Basic "):
            return False
        known = hmac.compare_digest(authorization.removeprefix("Basic ").encode(), right.encode())
        self.refused = 0 if known else self.refused + 1
        return known and not self.locked

    def lets_in(self, method: str, uri: str, authorization: str) -> bool:
        """Whether these credentials are right for this request, and not used before."""
        if not authorization.startswith("Digest "):
            return False
        shown = {name: quoted or bare for name, quoted, bare in _FIELD.findall(authorization)}
        nonce, count = shown.get("nonce", ""), shown.get("nc", "")
        try:
            number = int(count, 16)
        except ValueError:
            return False
        if nonce not in self._nonces or number <= self._nonces[nonce]:
            return False  # an old nonce: a new challenge, and no harm done
        first = _md5(f"{self._username}:{self._realm}:{self._password}")
        second = _md5(f"{method}:{shown.get('uri', '')}")
        right = _md5(f"{first}:{nonce}:{count}:{shown.get('cnonce', '')}:auth:{second}")
        if (
            shown.get("username") != self._username
            or shown.get("uri") != uri
            or shown.get("qop") != "auth"
            or not hmac.compare_digest(shown.get("response", "").encode(), right.encode())
        ):
            self.refused += 1
            return False
        if self.locked:
            return False
        self._nonces[nonce] = number
        self.refused = 0
        return True


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
