"""The secret that stands in a device's address, so that who knows its serial number alone cannot speak for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec
import structlog

log = structlog.get_logger("taigan.barriers")

FILE = "devices.json"
"""The file's name in the data folder."""


class SecretsUnusable(ValueError):
    """The file of the devices' secrets cannot be used. The text is one sentence."""


class Known(msgspec.Struct):
    """A device that posts, or posted. `chosen`: its secret stands in its lane's settings, or in what it signs with.

    `salt` makes its secret another one when it was renewed.
    """

    lane: str = ""
    chosen: bool = False
    salt: str = ""


class _Kept(msgspec.Struct):
    key: str
    devices: dict[str, Known] = {}  # by "driver/serial"


class DeviceSecrets:
    """One secret for each device, worked out from a key in a file (mode 0600) that is made when it is needed first.

    The file may be changed by another process (`taigan device renew`); it is read again when it was.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: _Kept | None = None
        self._read_at: tuple[int, int] = (0, 0)
        self._warned = ""

    @property
    def devices(self) -> dict[str, Known]:
        """Every device by "driver/serial". Raises `SecretsUnusable`."""
        return self._read().devices

    def of(self, device: str) -> str:
        """The secret of "driver/serial": 32 letters, digits, `-` and `_`. Raises `SecretsUnusable`."""
        return _made(self._read(), device)

    def in_use(self, device: str) -> str:
        """The same, for a device that speaks now: while the file is broken, the secret that was good before, so that
        cameras go on. Raises `SecretsUnusable` when it was never good."""
        try:
            return self.of(device)
        except SecretsUnusable as error:
            if self._kept is None:
                raise
            if self._warned != str(error):
                self._warned = str(error)
                log.warning("devices are still known by the secrets that were read before", reason=self._warned)
            return _made(self._kept, device)

    def note(self, device: str, lane: str, *, chosen: bool) -> None:
        """Keep which lane a device belongs to, for the list. Raises `SecretsUnusable`."""
        kept = self._read()
        before = kept.devices.get(device)
        if before is None or (before.lane, before.chosen) != (lane, chosen):
            self._put(kept, device, Known(lane, chosen, before.salt if before else ""))

    def renew(self, device: str) -> str:
        """Give a device another secret; the one before is worth nothing from now on. Raises `SecretsUnusable`."""
        kept = self._read()
        before = kept.devices.get(device, Known())
        self._put(kept, device, Known(before.lane, before.chosen, secrets.token_hex(8)))
        return self.of(device)

    def _put(self, kept: _Kept, device: str, known: Known) -> None:
        self._write(_Kept(kept.key, kept.devices | {device: known}))

    def _read(self) -> _Kept:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            self._write(_Kept(secrets.token_urlsafe(32)))
            return self._read()
        except OSError as error:
            raise SecretsUnusable(f"{self._file} cannot be read: {error.strerror}") from None
        seen = (found.st_mtime_ns, found.st_ino)
        if self._kept is None or seen != self._read_at:
            try:
                self._kept = msgspec.json.decode(self._file.read_bytes(), type=_Kept)
            except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
                raise SecretsUnusable(f"{self._file} cannot be used: {error}") from None
            self._read_at = seen
        return self._kept

    def _write(self, kept: _Kept) -> None:
        fresh = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(handle, msgspec.json.encode(kept))
                os.fsync(handle)
            finally:
                os.close(handle)
            fresh.replace(self._file)
        except OSError as error:
            raise SecretsUnusable(f"{self._file} cannot be written: {error.strerror}") from None
        self._kept, self._read_at = kept, (0, 0)


def _made(kept: _Kept, device: str) -> str:
    salt = kept.devices[device].salt if device in kept.devices else ""
    made = hmac.digest(kept.key.encode(), f"{device}\0{salt}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made[:24]).decode()
