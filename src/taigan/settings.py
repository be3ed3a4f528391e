"""One typed settings object, from `taigan.toml` and `TAIGAN_*` variables.

A variable goes before the file: `TAIGAN_DATA_DIR`, `TAIGAN_LOT_PORT`, `TAIGAN_LOT_ANSWER_WITHIN`. A setting whose name
stands in one section only may be named without it: `TAIGAN_ANSWER_WITHIN`. Vendors and lots come from the file.
"""

from __future__ import annotations

import ast
import difflib
import enum
import inspect
import re
import textwrap
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from taigan.hub.rules import Rules
from taigan.lot.policy import Policy

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
VendorNumber = (
    Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d{0,17}$")]
)
Channel = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]

SHORTEST_TOKEN = 16
IGNORED_VARIABLES = ("TAIGAN_CONFIG", "TAIGAN_TEST_")


class WrongSettings(Exception):
    """The configuration cannot be used; the text names the key and says what is wrong, in one sentence."""


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


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings from the file at `path` (none: defaults) and the variables of `environment`.

    Raises:
        WrongSettings: the file cannot be read, or a key or value in it, or a variable, is wrong.
    """
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WrongSettings(f"{path} does not exist; `taigan init {path}` writes one") from None
        except OSError as error:
            raise WrongSettings(f"{path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise WrongSettings(f"{path} is not UTF-8 text") from None
        except tomllib.TOMLDecodeError as error:
            raise WrongSettings(f"{path} is not TOML: {error}") from None
    origin = str(path) if path is not None else "the settings"
    _overlay(raw, environment)
    folder = path.resolve().parent if path is not None else Path.cwd()
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise WrongSettings(_sentence(error, raw, origin)) from None
    settings = _with_secrets_read(settings, folder, origin)
    if not Path(settings.data_dir).is_absolute():
        settings = msgspec.structs.replace(settings, data_dir=str(folder / settings.data_dir))
    _check(settings, origin)
    return settings


def variables() -> dict[str, tuple[str, str]]:
    """Every `TAIGAN_*` variable and the section (empty at the top) and key that it sets."""
    known = {"TAIGAN_DATA_DIR": ("", "data_dir")}
    counted: dict[str, list[str]] = {}
    for section, kind in sections().items():
        for key in kind.__struct_fields__:
            known[f"TAIGAN_{section}_{key}".upper()] = (section, key)
            counted.setdefault(key, []).append(section)
    for key, where in counted.items():
        short = f"TAIGAN_{key}".upper()
        if len(where) == 1 and short not in known:
            known[short] = (where[0], key)
    return known


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


def _overlay(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    known = variables()
    full_names_last = sorted(environment.items(), key=lambda item: len(item[0]))
    for variable, text in full_names_last:
        if not variable.startswith("TAIGAN_") or variable.startswith(IGNORED_VARIABLES):
            continue
        if variable not in known:
            near = difflib.get_close_matches(variable, known, n=1, cutoff=0.85)
            if near or variable.split("_")[1].lower() in sections():
                raise WrongSettings(f"the variable {variable} sets nothing that exists{_did_you_mean(near)}")
            continue
        section, key = known[variable]
        target = raw.setdefault(section, {}) if section else raw
        if not isinstance(target, dict):
            raise WrongSettings(f"{section} must be a table ([{section}])")
        kind = sections()[section] if section else Settings
        field = next(field for field in msgspec.structs.fields(kind) if field.name == key)
        try:
            target[key] = _from_text(text, field.type)
        except tomllib.TOMLDecodeError:
            raise WrongSettings(f"the variable {variable} must be written as in the file{_found(key, text)}") from None
        except msgspec.ValidationError as error:
            what = _complaint(str(error), kind, key)
            raise WrongSettings(f"the variable {variable} {what}{_found(key, text)}") from None


def _from_text(text: str, kind: Any) -> Any:
    """The value a variable's text stands for: as it is where text is wanted, else as TOML writes it."""
    if typing.get_origin(kind) in (tuple, list, dict):
        value = tomllib.loads(f"value = {text}")["value"]
        msgspec.convert(value, kind)
        return value
    value = msgspec.convert(text, kind, strict=False)
    return msgspec.to_builtins(value)


_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
    "null": "empty",
    "int | str": "a number or text",
    "str | int": "a number or text",
}


def _sentence(error: msgspec.ValidationError, raw: Any, origin: str) -> str:
    found = _AT.match(str(error))
    assert found is not None
    what, where = found["what"], (found["where"] or "").replace("[...]", "")
    if unknown := _UNKNOWN.fullmatch(what):
        key = ".".join(filter(None, (where, unknown[1])))
        near = difflib.get_close_matches(unknown[1], _kind_at(where).__struct_fields__, n=1, cutoff=0.6)
        return f"{origin}: {key} is not a setting{_did_you_mean(near)}"
    if missing := _MISSING.fullmatch(what):
        return f"{origin}: {'.'.join(filter(None, (where, missing[1])))} is missing"
    above, _, key = where.rpartition(".")
    complaint = _complaint(what, _kind_at(above), key)
    return f"{origin}: {where or 'the file'} {complaint}{_found(key, _value_at(raw, where))}"


def _complaint(what: str, kind: type[msgspec.Struct], key: str) -> str:
    what = what.split(" - at ")[0]
    if found := re.fullmatch(r"Expected `(.+?)`, got `(.+?)`", what):
        wanted = found[1].removesuffix(" | null")
        return f"must be {_KINDS.get(wanted, wanted)}, not {_KINDS.get(found[2], found[2])}"
    if found := re.fullmatch(r"Expected `\w+` (<=|<|>=|>) (.+)", what):
        words = {"<=": "at most", "<": "below", ">=": "at least", ">": "above"}
        return f"must be {words[found[1]]} {float(found[2]):g}"
    if found := re.fullmatch(r"Expected `\w+` of length (<=|>=) (\d+)", what):
        return f"must have {'at most' if found[1] == '<=' else 'at least'} {found[2]} characters"
    if re.fullmatch(r"Expected `str` matching regex .*|Invalid (enum )?value .*", what):
        meant = next((sentence for field, sentence in described(kind) if field.name == key), "")
        return "is not one of its values" if not meant else f"is not one of its values: {meant.rstrip('.')}"
    return f"is wrong: {what}"


def _found(key: str, value: Any) -> str:
    if value is None or isinstance(value, (dict, list)) or re.search(r"key|token|database_url|secret", key):
        return ""
    return f" (it is {value!r})"


def _did_you_mean(near: list[str]) -> str:
    return f"; did you mean {near[0]}?" if near else ""


def _kind_at(where: str) -> type[msgspec.Struct]:
    kind: type[msgspec.Struct] = Settings
    inner: dict[str, type[msgspec.Struct]] = {**sections(), "vendors": Vendor, "lots": Lot}
    for step in filter(None, re.sub(r"\[.*?\]", "", where).split(".")):
        kind = Lane if (kind, step) == (Lot, "lanes") else inner[step]
    return kind


def _value_at(raw: Any, where: str) -> Any:
    for step in re.findall(r"[^.\[\]]+", where):
        try:
            raw = raw[int(step)] if isinstance(raw, list) else raw[step]
        except (KeyError, ValueError, IndexError, TypeError):
            return None
    return raw


def _with_secrets_read(settings: Settings, folder: Path, origin: str) -> Settings:
    def read(value: str, key: str) -> str:
        if not value.startswith("file:"):
            return value
        path = folder / value.removeprefix("file:")
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise WrongSettings(f"{origin}: {key} names the file {path}, which cannot be read: {reason}") from None
        if not text:
            raise WrongSettings(f"{origin}: {key} names the file {path}, which is empty")
        return text

    replace = msgspec.structs.replace
    tokens = {name: read(token, f"lot.api_tokens.{name}") for name, token in settings.lot.api_tokens.items()}
    for name, token in tokens.items():
        if len(token) < SHORTEST_TOKEN:
            raise WrongSettings(f"{origin}: lot.api_tokens.{name} must have at least {SHORTEST_TOKEN} characters")
    admin_token = read(settings.hub.admin_token, "hub.admin_token")
    if admin_token and len(admin_token) < SHORTEST_TOKEN:
        raise WrongSettings(f"{origin}: hub.admin_token must have at least {SHORTEST_TOKEN} characters")
    vendors = (replace(v, key=read(v.key, f"vendors[{n}].key")) for n, v in enumerate(settings.vendors))
    return replace(
        settings,
        lot=replace(
            settings.lot,
            api_tokens=tokens,
            sms_key_secret=read(settings.lot.sms_key_secret, "lot.sms_key_secret"),
            s3_key_secret=read(settings.lot.s3_key_secret, "lot.s3_key_secret"),
            oidc_client_secret=read(settings.lot.oidc_client_secret, "lot.oidc_client_secret"),
        ),
        hub=replace(settings.hub, admin_token=admin_token),
        vendors=tuple(vendors),
    )


def _check(settings: Settings, origin: str) -> None:
    """What no single value can show."""
    from taigan.barriers.drivers import BadSettings, read_settings  # late: it loads what devices need

    vendors = [str(vendor.union_id) for vendor in settings.vendors]
    lots = [lot.lot_id for lot in settings.lots]
    for n, union_id in enumerate(vendors):
        if union_id in vendors[:n]:
            raise WrongSettings(f"{origin}: vendors[{n}].union_id {union_id} is there twice")
    for n, lot in enumerate(settings.lots):
        where = f"{origin}: lots[{n}]"
        if str(lot.union_id) not in vendors:
            raise WrongSettings(f"{where}.union_id {lot.union_id} belongs to none of the vendors")
        if lot.lot_id in lots[:n]:
            raise WrongSettings(f"{where} is there twice: union_id {lot.union_id}, park_id {lot.park_id}")
        try:
            ZoneInfo(lot.time_zone)
        except (KeyError, ValueError, OSError):
            raise WrongSettings(f"{where}.time_zone is not a time zone (it is {lot.time_zone!r})") from None
        channels = [lane.channel_id for lane in lot.lanes]
        for m, channel_id in enumerate(channels):
            if channel_id in channels[:m]:
                raise WrongSettings(f"{where}.lanes[{m}].channel_id {channel_id} is there twice")
            try:
                read_settings(settings.barrier_of(lot.lanes[m].barrier))
            except BadSettings as error:
                raise WrongSettings(f"{where}.lanes[{m}].barrier: {error}") from None
    _check_sms(settings, origin)
    _check_oidc(settings, origin)
    for key, url in _addresses(settings):
        if not re.match(r"https?://[^/\s]+", url):
            raise WrongSettings(f"{origin}: {key} must be an address beginning http:// or https:// (it is {url!r})")


_NEEDED_FOR_SMS = {
    "aliyun": ("sms_key_id", "sms_key_secret", "sms_signature", "sms_template"),
    "tencent": ("sms_key_id", "sms_key_secret", "sms_signature", "sms_template", "sms_app_id", "sms_sign_id"),
    "http": ("sms_url",),
}


def _check_sms(settings: Settings, origin: str) -> None:
    provider = settings.lot.sms_provider
    for key in _NEEDED_FOR_SMS.get(provider, ()):
        if not getattr(settings.lot, key):
            raise WrongSettings(f"{origin}: lot.sms_provider {provider} needs lot.{key}")
    if provider == "" and settings.lot.sms_url:
        raise WrongSettings(f'{origin}: lot.sms_url needs lot.sms_provider = "http"')
    for n, lot in enumerate(settings.lots):
        if lot.sms_check and provider == "":
            raise WrongSettings(
                f"{origin}: lots[{n}].sms_check needs lot.sms_provider: aliyun, tencent or http; simulated only for "
                "trying out"
            )


def _check_oidc(settings: Settings, origin: str) -> None:
    needed = ("oidc_client_id", "oidc_client_secret", "console_url")
    for key in needed if settings.lot.oidc_issuer else ():
        if not getattr(settings.lot, key):
            raise WrongSettings(f"{origin}: lot.oidc_issuer needs lot.{key}")
    if not settings.lot.oidc_issuer and (settings.lot.oidc_client_id or settings.lot.oidc_client_secret):
        raise WrongSettings(f"{origin}: lot.oidc_client_id needs lot.oidc_issuer")


def _addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.lot.hub_url not in ("production", "test"):
        yield "lot.hub_url", settings.lot.hub_url
    lot = settings.lot
    optional = {f"lot.{key}": getattr(lot, key) for key in ("sms_url", "alarm_url", "oidc_issuer")}
    optional["hub.public_url"] = settings.hub.public_url
    optional |= {f"vendors[{n}].callback_url": vendor.callback_url for n, vendor in enumerate(settings.vendors)}
    yield from ((key, url) for key, url in optional.items() if url)
