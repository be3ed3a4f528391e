"""Every setting, with its kind, its default and the sentence that explains it."""

from __future__ import annotations

import ast
import enum
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from taigan.hub.rules import Rules
from taigan.lot.policy import Policy

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
VendorNumber = (
    Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d{0,17}$")]
)
Channel = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class LogFormat(enum.StrEnum):
    """How log lines look."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(enum.StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Logs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is logged. Keys, signatures and codes never are; phone numbers and identities are masked."""

    format: LogFormat = LogFormat.AUTO
    """`console` for people, `json` one object a line; `auto` is console on a terminal, else json."""
    level: LogLevel = LogLevel.INFO
    """`debug`, `info`, `warning` or `error`."""


class LotSettings(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lot platform (`taigan lot`), with every time-out and policy of the entry. Times are in seconds."""

    host: str = "127.0.0.1"
    """The address the platform listens on; `0.0.0.0` for all."""
    port: Port = 8801
    """The port for BoLink's callbacks and the API."""
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """A port for `/metrics`, `/healthz` and `/readyz` alone; with `--workers` the first worker's, the others have the
    ports after it. 0: none."""
    trusted_proxies: list[str] = msgspec.field(default_factory=lambda: ["127.0.0.1", "::1"])
    """Addresses and networks of proxies that are believed for whom they ask: X-Forwarded-For and -Proto."""
    open_devices: list[str] = msgspec.field(default_factory=list)
    """Devices ("driver/serial") that may still post without the secret in their address (`taigan device show`), until
    somebody has entered it at the device. Whoever reaches the platform can speak for them."""
    database_url: str = ""
    """`sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`; empty: `lot.sqlite3` in `data_dir`."""
    hub_url: str = "production"
    """Where uploads go: `production` or `test` for the real BoLink, or the address of a `taigan hub`."""
    api_tokens: dict[Name, str] = msgspec.field(default_factory=dict)
    """Bearer tokens of the API by the name of who uses them, each of 16 characters or more. `file:PATH` reads one from
    a file."""
    sms_provider: Literal["", "aliyun", "tencent", "http", "simulated"] = ""
    """Who carries codes to drivers' phones: `aliyun`, `tencent`, `http` (posts them to `sms_url`), or `simulated`,
    which writes them to `sms.jsonl` in `data_dir`, for trying out; empty: nobody, and no lot may have `sms_check`."""
    sms_url: str = ""
    """Where `http` posts codes, as JSON; for `aliyun` and `tencent` another address than their own."""
    sms_key_id: str = ""
    """The key's number at Aliyun (AccessKey ID) or Tencent (SecretId)."""
    sms_key_secret: str = ""
    """The key that signs there. `file:PATH` reads it from a file."""
    sms_signature: str = ""
    """The registered signature (签名) that messages bear."""
    sms_template: str = ""
    """The registered template: at Aliyun with the variable `code`, at Tencent with one variable."""
    sms_app_id: str = ""
    """Tencent: SmsSdkAppId."""
    sms_sign_id: int = 0
    """Tencent: the signature's number, to ask for the state of its registration."""
    pictures_in: Annotated[str, msgspec.Meta(pattern=r"^$|^s3://[a-z0-9][a-z0-9.-]{2,62}(/[A-Za-z0-9._/-]*)?$")] = ""
    """Where pictures are kept: empty: as files in `pictures` in `data_dir`; `s3://BUCKET` or `s3://BUCKET/PREFIX`: in a
    bucket, where several machines share one database (`pip install 'taigan[s3]'`)."""
    s3_endpoint: Annotated[str, msgspec.Meta(pattern=r"^$|^https?://[^\s?#]+$")] = ""
    """The address of the bucket's server; empty: Amazon's of `s3_region`."""
    s3_region: str = ""
    """The bucket's region."""
    s3_key_id: str = ""
    """The key's number there; empty: the machine's own role."""
    s3_key_secret: str = ""
    """The key that signs there. `file:PATH` reads it from a file."""
    oidc_issuer: str = ""
    """Where persons may sign in to the console instead of by password: the issuer of an OpenID Connect provider, as it
    names itself (`pip install 'taigan[oidc]'`); empty: nowhere."""
    oidc_client_id: str = ""
    """The console's number there (client ID)."""
    oidc_client_secret: str = ""
    """The secret that goes with it. `file:PATH` reads it from a file."""
    oidc_name: Annotated[str, msgspec.Meta(max_length=32)] = ""
    """What people call their account there, as it stands on the button; empty: 公司账号."""
    oidc_claim: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "preferred_username"
    """The claim of its ID token by which people know an account there. Shown only: whose account it is, issuer and
    subject say."""
    oidc_ask_again: bool = False
    """Whether it asks who the person is at each sign-in, even who is signed in there: for computers that several people
    use. The provider must send `auth_time`."""
    console_url: Annotated[str, msgspec.Meta(pattern=r"^$|^https?://[^\s/?#]+/?$")] = ""
    """The console's address as browsers open it, `https://` and the host; with `/sign-in/oidc/back` after it, that is
    where the provider sends people back to."""
    alarm_url: str = ""
    """Where alarms are posted, as JSON, beside the log, the metrics and the API; empty: nowhere."""


class HubSettings(Rules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """BoLink's side for one's own machine (`taigan hub`), with the rules it keeps. Times are in seconds."""

    host: str = "127.0.0.1"
    """The address the hub listens on; `0.0.0.0` for all."""
    port: Port = 8802
    """The port for the drivers' pages, uploads and the admin interface."""
    public_url: str = ""
    """What goes into the codes; empty: `http://host:port`."""
    admin_token: str = ""
    """Bearer token of the admin interface, of 16 characters or more; empty: it is closed. `file:PATH` reads it from a
    file."""
    frame_ancestors: str = "'self'"
    """Which origins may show the drivers' pages in a frame, as the header Content-Security-Policy writes them."""


class LanesSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The simulated lanes (`taigan lanes`). Times are in seconds."""

    host: str = "127.0.0.1"
    """The address the lanes listen on; `0.0.0.0` for all."""
    port: Port = 8803
    """The port for the lanes and their scripts."""
    travel_time: Annotated[float, msgspec.Meta(gt=0, le=60)] = 0.6
    """How long an arm takes to rise, and to fall."""
    late_by: Annotated[float, msgspec.Meta(gt=0, le=600)] = 6.0
    """How late a lane in the mode `late` moves and reports."""


class Lane(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lane of a lot. The file adds lanes; what an operator changed later stays as it is."""

    channel_id: Channel
    """The lane's name at BoLink."""
    direction: Literal["entry", "exit"] = "entry"
    """`entry` or `exit`."""
    policy: Literal["automatic", "attendant"] = "automatic"
    """`automatic` raises the arm by itself, `attendant` waits for a release."""
    confirm: Literal["", "accepted", "position", "passage"] = ""
    """What makes an entry certain: `accepted` by the device, the arm's `position`, the car's `passage`; empty: what the
    device can tell."""
    detector: bool = True
    """Whether the lane sees cars (a loop)."""
    hours: Annotated[str, msgspec.Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d)?$")] = ""
    """When the lane is open, in the lot's time zone, as `07:00-22:00`; empty: always."""
    barrier: dict[str, Any] = msgspec.field(default_factory=lambda: {"driver": "simulated"})
    """The device, by the name of its driver and the driver's own keys: `{ driver = "simulated" }`."""


class Lot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parking lot. The file adds lots; the database knows them from then on."""

    union_id: VendorNumber
    """The vendor's number at BoLink."""
    park_id: int | Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    """The lot's number at BoLink."""
    name: str = ""
    """What drivers read."""
    spaces: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
    """How many cars fit in."""
    time_zone: str = "Asia/Shanghai"
    """The lot's time zone."""
    contact: str = ""
    """Who a driver should ask for, shown to drivers."""
    phone: str = ""
    """The attendant's phone, shown to drivers."""
    sms_check: bool = False
    """Whether a driver must prove a phone number before entering (2.5)."""
    lanes: tuple[Lane, ...] = ()
    """Its lanes."""

    @property
    def lot_id(self) -> str:
        """`{union_id}-{park_id}`, the lot's name in every API."""
        return f"{self.union_id}-{self.park_id}"


class Vendor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at BoLink (a 厂商), with the key that signs. A key here that the vendor never had is a key change: the
    old one stays valid for `key_overlap`. One that was replaced stays replaced."""

    union_id: VendorNumber
    """The vendor's number at BoLink."""
    key: Annotated[str, msgspec.Meta(min_length=1)]
    """The key BoLink gave the vendor. `file:PATH` reads it from a file."""
    name: str = ""
    """For people."""
    callback_url: str = ""
    """Where `taigan hub` sends this vendor's messages; empty: `/bolink` at the address in `[lot]`."""
    per_event: bool = False
    """Whether the hub sends each message to `callback_url/service_name` instead."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    data_dir: str = "data"
    """Where databases and journals are kept. Relative to the folder of this file."""
    logs: Logs = Logs()
    lot: LotSettings = LotSettings()
    hub: HubSettings = HubSettings()
    lanes: LanesSettings = LanesSettings()
    vendors: tuple[Vendor, ...] = ()
    lots: tuple[Lot, ...] = ()

    @property
    def data(self) -> Path:
        """`data_dir` as a path."""
        return Path(self.data_dir)

    @property
    def lot_database_url(self) -> str:
        """Where the lot platform keeps its truth."""
        return self.lot.database_url or f"sqlite:///{self.data / 'lot.sqlite3'}"

    @property
    def lot_url(self) -> str:
        """The lot platform, as seen from this machine."""
        return address(self.lot.host, self.lot.port)

    @property
    def hub_url(self) -> str:
        """The hub, as browsers and the lot see it."""
        return self.hub.public_url.rstrip("/") or address(self.hub.host, self.hub.port)

    def callback_url(self, vendor: Vendor) -> str:
        """Where the hub sends this vendor's messages."""
        return vendor.callback_url.rstrip("/") or f"{self.lot_url}/bolink"

    @property
    def lanes_url(self) -> str:
        """The simulated lanes, as seen from this machine."""
        return address(self.lanes.host, self.lanes.port)

    def barrier_of(self, barrier: Mapping[str, Any]) -> dict[str, Any]:
        """A lane's barrier with what it takes from the other settings: simulated lanes are where `[lanes]` says."""
        if barrier.get("driver") != "simulated" or barrier.get("url"):
            return dict(barrier)
        return {**barrier, "url": self.lanes_url}

    @property
    def secrets(self) -> list[str]:
        """Every key and token, for the logs to hide."""
        return [
            *(vendor.key for vendor in self.vendors),
            *self.lot.api_tokens.values(),
            self.lot.sms_key_secret,
            self.lot.s3_key_secret,
            self.lot.oidc_client_secret,
            self.hub.admin_token,
        ]


def address(host: str, port: int) -> str:
    """`http://host:port` without a trailing slash; a wildcard address becomes this machine's own."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def sections() -> dict[str, type[msgspec.Struct]]:
    """The sections of the file that hold settings with a default."""
    return {"lot": LotSettings, "hub": HubSettings, "lanes": LanesSettings, "logs": Logs}


def described(kind: type[msgspec.Struct]) -> Iterator[tuple[msgspec.structs.FieldInfo, str]]:
    """Each field of a settings struct, own before inherited, with the sentence that stands under it in the source."""
    sentences: dict[str, str] = {}
    order: list[str] = []
    for cls in kind.__mro__:
        if not issubclass(cls, msgspec.Struct) or cls is msgspec.Struct:
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, [*body.body[1:], None], strict=True):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            order.append(field.target.id)
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                sentences.setdefault(field.target.id, " ".join(str(below.value.value).split()))
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in dict.fromkeys(order):
        yield fields[name], sentences.get(name, "")
