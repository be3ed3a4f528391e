"""The demo's folder: who may use it, the keys kept in it, and the configuration the three are started with."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taigan.demo.errors import AlreadyRunning, FolderUnusable

UNION_ID = 200002
PARK_ID = "21787"
LOT_ID = f"{UNION_ID}-{PARK_ID}"
LOT_NAME = "抬杆演示停车场"
SPACES = 10_000
LANES = (("A1", "entry", "automatic"), ("A2", "entry", "attendant"), ("B1", "exit", "automatic"))

KEYS = "keys"
CONSOLE_PASSWORD = "console-password"
CONSOLE_LOGIN, CONSOLE_NAME = "demo", "演示员"
"""Who signs in to the lot's console."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the parts know each other by. Made once per folder."""

    vendor_key: str
    api_token: str
    admin_token: str
    console_password: str


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each part listens (`host`) and under which name others reach it (`reached_as`)."""

    host: str
    reached_as: str
    lot_port: int
    hub_port: int
    lanes_port: int

    @property
    def lot(self) -> str:
        return self._url(self.lot_port)

    @property
    def hub(self) -> str:
        return self._url(self.hub_port)

    @property
    def lanes(self) -> str:
        return self._url(self.lanes_port)

    def _url(self, port: int) -> str:
        return f"http://{bracketed(self.reached_as)}:{port}"


@dataclass(frozen=True, slots=True)
class Codes:
    """The addresses that the codes hold: of each entry, of each exit, and of the lot's prepay code."""

    entries: Mapping[str, str]
    exits: Mapping[str, str]
    prepay: str

    def of(self, channel_id: str, direction: str) -> str:
        """A lane's own code."""
        return (self.exits if direction == "exit" else self.entries)[channel_id]


class Folder:
    """The folder `path`, held by this process until `release`.

    Raises:
        FolderUnusable: it cannot be created or written.
        AlreadyRunning: another demo holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / "demo.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderUnusable(f"the folder {path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise AlreadyRunning(f"another demo runs on {path}; stop it first or name another --data-dir") from None

    def release(self) -> None:
        """Let another demo have it."""
        os.close(self._lock)

    def keys(self) -> Keys:
        """The keys of the first run; made now if there was none."""
        (self.path / KEYS).mkdir(mode=0o700, exist_ok=True)
        return Keys(
            vendor_key=self._secret(str(UNION_ID)),
            api_token=self._secret("lot-api-token"),
            admin_token=self._secret("hub-admin-token"),
            console_password=self._secret(CONSOLE_PASSWORD),
        )

    def write_config(self, addresses: Addresses, barriers: Mapping[str, str]) -> Path:
        """Write what the three are started with, anew at each start: the ports may be others.

        `barriers` has the rest of each lane's settings, by channel, as TOML.
        """
        lanes = "".join(
            f"""
[[lots.lanes]]
channel_id = "{channel_id}"
direction = "{direction}"
policy = "{policy}"
{barriers[channel_id]}
"""
            for channel_id, direction, policy in LANES
        )
        text = f"""# Written by `taigan demo` at each start.
data_dir = "."

[lot]
host = "{addresses.host}"
port = {addresses.lot_port}
hub_url = "{addresses.hub}"
sms_provider = "simulated"
api_tokens = {{ demo = "file:{KEYS}/lot-api-token" }}

[hub]
host = "{addresses.host}"
port = {addresses.hub_port}
public_url = "{addresses.hub}"
admin_token = "file:{KEYS}/hub-admin-token"
frame_ancestors = "'self' http://{bracketed(addresses.reached_as)}:* http://localhost:* http://127.0.0.1:*"

[lanes]
host = "{addresses.host}"
port = {addresses.lanes_port}

[[vendors]]
union_id = {UNION_ID}
key = "file:{KEYS}/{UNION_ID}"
name = "taigan demo"
callback_url = "{addresses.lot}/bolink"

[[lots]]
union_id = {UNION_ID}
park_id = "{PARK_ID}"
name = "{LOT_NAME}"
spaces = {SPACES}
contact = "管理员"
phone = "010-12345678"
{lanes}"""
        return write_whole(self.path / "taigan.toml", text)

    def _secret(self, name: str) -> str:
        path = self.path / KEYS / name
        try:
            return path.read_text(encoding="ascii").strip() or self._make(path)
        except FileNotFoundError:
            return self._make(path)

    @staticmethod
    def _make(path: Path) -> str:
        secret = secrets.token_hex(16)
        write_whole(path, secret + "\n")
        return secret


def bracketed(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def shown_lot(codes: Codes) -> dict[str, object]:
    """The lot and its lanes, with their codes."""
    lanes = [
        {
            "channel_id": channel_id,
            "direction": direction,
            "policy": policy,
            "entry_url": codes.entries[channel_id],
            "exit_url": codes.exits[channel_id],
        }
        for channel_id, direction, policy in LANES
    ]
    return {"lot_id": LOT_ID, "prepay_url": codes.prepay, "lanes": lanes}


def ready_text(keys: Keys, addresses: Addresses, demo_url: str, codes: Codes) -> str:
    """What the ready file says: every address, token and key a script needs."""
    return json.dumps(
        {
            "lot": {
                "url": addresses.lot,
                "callback_url": f"{addresses.lot}/bolink",
                "api_token": keys.api_token,
            },
            "console": {"url": addresses.lot, "login": CONSOLE_LOGIN, "password": keys.console_password},
            "hub": {"url": addresses.hub, "admin_token": keys.admin_token},
            "lanes": {"url": addresses.lanes},
            "demo_url": demo_url,
            "clock_url": f"{demo_url}/clock",
            "lots": [{"union_id": UNION_ID, "park_id": PARK_ID, "key": keys.vendor_key} | shown_lot(codes)],
        },
        ensure_ascii=False,
        indent=1,
    )


def write_whole(path: Path, text: str) -> Path:
    """Write a file that only its owner reads, so that it is there whole or not at all."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise FolderUnusable(f"{path} cannot be written: {error.strerror}") from None
    return path
