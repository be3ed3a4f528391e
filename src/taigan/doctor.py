"""Looks at a running installation as a person would who was called to it, and says what is well and what to do.

Nothing is changed: the database is read beside the processes that serve from it, the platform is asked over its own
HTTP, and its callback address is sent a message that it must refuse.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Generic, Literal, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec

from taigan.barriers.wires.broker import is_open
from taigan.bolink import Addresses, BadAnswer, BolinkClient, BolinkError, GetQrCode, Refused, values
from taigan.bolink.wire.client import Transport
from taigan.clock import Clock
from taigan.lot.gateways.gateway import SmsFailed, SmsGateway
from taigan.network.unreached import why_not_reached
from taigan.pictures.store import Store, StoreFailed
from taigan.running.tasks import within
from taigan.storage.errors import CannotOpen
from taigan.storage.kept.inspection import Inspection, inspect_database
from taigan.storage.migrations import HEAD
from taigan.storage.rows import Lane

ENOUGH_SPACE = 1024**3
"""Bytes that must be free where the data is kept."""
ALLOWED_SKEW = 5.0
"""Seconds that this machine's clock may be off. The header Date knows whole seconds only."""
ANSWERS_WITHIN = 5.0
"""Seconds that anybody who is asked gets; BoLink itself waits no longer for a callback."""
SAMPLES = frozenset({"0123456789abcdef", "0123456789abcdef" * 2, "change-me-change-me"})
"""Tokens that stand in the documentation."""
UNSIGNED = b'{"data":{"service_name":"nolicence_in_park","union_id":0,"park_id":"0"}}'


CHECKS = {
    "database": "数据库",
    "disk": "磁盘",
    "pictures": "图片",
    "platform": "平台",
    "bolink": "泊链",
    "clock": "时钟",
    "key": "密钥",
    "signature": "签名",
    "callback": "回调地址",
    "barrier": "道闸",
    "queue": "上传队列",
    "code": "车道的码",
    "token": "令牌",
    "secret": "密钥文件",
    "device": "设备的门",
    "broker": "MQTT 代理",
    "sms": "短信",
}
"""What is looked at, in this order."""


Item = TypeVar("Item")
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as the configuration has it; `callback_url` is where its messages arrive."""

    union_id: str
    key: str
    callback_url: str


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """Where a signed call can be tried: the side that is used, and the others that BoLink has."""

    transport: Transport
    own: Addresses
    others: Sequence[Addresses] = ()


class Sms(msgspec.Struct, frozen=True, kw_only=True):
    """Who carries codes to phones: `provider` as in the settings; at most how many an hour for a lot, for a phone."""

    provider: str
    gateway: SmsGateway
    per_lot: int
    per_phone: int


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at. An empty `token` is none; `bolink_url` is any address at BoLink or its stand-in."""

    data: Path
    database_url: str
    platform_url: str
    token: str
    bolink_url: str
    queue_alarm_after: float
    accounts: Sequence[Account] = ()
    files: Sequence[Path] = ()
    """The configuration and the files with keys and tokens that it names."""
    secrets: Sequence[str] = ()
    """Every token of the configuration."""
    open_devices: Sequence[str] = ()
    """Devices that may post without the secret in their address."""
    brokers: Sequence[tuple[str, str, bool]] = ()
    """For each lane over MQTT: its name, its broker's address, whether a user signs in there."""
    sms: Sms | None = None
    """Nobody carries codes: none."""
    pictures: tuple[str, Store] | None = None
    """Where pictures are kept, as a person would name it."""
    peers: Peers | None = None
    """None: no call is signed."""
    polls: bool = False
    """BoLink's messages are fetched: there is no callback address."""
    answers_within: float = ANSWERS_WITHIN
    """Seconds that whoever is asked over HTTP has."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one look showed, in both languages; `do_…` is what helps, and empty where nothing is needed.

    `skipped` could not be looked at, because of something else that is wrong.
    """

    check: str
    subject: str = ""
    state: Literal["well", "wrong", "skipped"]
    zh: str
    en: str
    do_zh: str = ""
    do_en: str = ""

    def in_words(self) -> str:
        """For a person at a terminal: the finding in Chinese, below it in English, each with what to do."""
        mark = {"well": "✓", "wrong": "✗", "skipped": "–"}[self.state]
        about = f" {self.subject}" if self.subject else ""
        advice_zh, advice_en = (f" → {text}" if text else "" for text in (self.do_zh, self.do_en))
        return f"{mark} {CHECKS[self.check]}{about}：{self.zh}{advice_zh}\n  {self.check}{about}: {self.en}{advice_en}"


class _Answer(msgspec.Struct):
    status: int
    body: bytes
    seconds: float
    ahead: float | None  # by how many seconds our clock is ahead of theirs


class _Lot(msgspec.Struct):
    lot_id: str


class _Barrier(msgspec.Struct):
    driver: str
    online: bool
    last_heard: str | None


class _Lane(msgspec.Struct):
    lot_id: str
    channel_id: str
    loop_dead: bool
    barrier: _Barrier


class _Page(msgspec.Struct, Generic[Item]):
    items: list[Item]
    next: str | None


class _Silent(Exception):
    """Nobody answers there, or not what was asked; the text says why."""


def bytes_free(folder: Path) -> int:
    """How much a file in that folder could grow. Raises OSError."""
    return shutil.disk_usage(folder).free


async def examine(
    installation: Installation, clock: Clock, free_space: Callable[[Path], int] = bytes_free
) -> list[Finding]:
    """Look at everything. Never raises for what is wrong with the installation."""
    timeout = aiohttp.ClientTimeout(total=installation.answers_within)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        return await _Examination(installation, clock, session, free_space).all()


class _Examination:
    def __init__(
        self,
        installation: Installation,
        clock: Clock,
        session: aiohttp.ClientSession,
        free_space: Callable[[Path], int],
    ) -> None:
        self._at = installation
        self._clock = clock
        self._session = session
        self._free_space = free_space
        self._ahead: dict[tuple[str, str], float] = {}
        """By how many seconds this machine's clock is ahead of whose."""

    async def all(self) -> list[Finding]:
        (inspection, database), platform, bolink, callbacks = await asyncio.gather(
            self._database(), self._platform(), self._bolink(), self._callbacks()
        )
        signatures = await self._signatures(inspection)
        answers = platform.state == "well"
        return [
            database,
            self._disk(),
            *([await self._pictures(*self._at.pictures)] if self._at.pictures else []),
            platform,
            bolink,
            self._time(),
            *self._keys(inspection),
            *signatures,
            *callbacks,
            *([f async for f in self._barriers()] if answers else [_skipped("barrier", "平台没有应答", "no platform")]),
            self._queue(inspection),
            *self._codes(inspection),
            self._tokens(inspection),
            *self._secrets(),
            *self._open_devices(),
            *self._brokers(),
            await self._sms(inspection),
        ]

    async def _sms(self, inspection: Inspection | None) -> Finding:
        asking = "、".join(inspection.checking) if inspection is not None else ""
        sms = self._at.sms
        if sms is None:
            if not asking:
                return _well(
                    "sms", "没有短信通道，也没有车场要验证码", "there is no gateway, and no lot asks for codes"
                )
            return _wrong(
                "sms",
                asking,
                zh="车场要验证码，却没有短信通道：无牌车进不来",
                en="the lot asks for codes and there is no gateway: cars without a plate do not get in",
                do_zh="在 [lot] 里设 sms_provider（aliyun、tencent 或 http），或关掉 sms_check",
                do_en="set sms_provider in [lot] to aliyun, tencent or http, or turn sms_check off",
            )
        if sms.provider == "simulated" and asking and not self._is_beside(self._at.bolink_url):
            return _wrong(
                "sms",
                asking,
                zh="验证码只写进 sms.jsonl，司机收不到",
                en="codes are written into sms.jsonl alone: no driver gets one",
                do_zh="在 [lot] 里设 sms_provider（aliyun、tencent 或 http）",
                do_en="set sms_provider in [lot] to aliyun, tencent or http",
            )
        try:
            found = await within(self._at.answers_within, sms.gateway.registration())
        except (SmsFailed, TimeoutError) as error:
            why = str(error) or f"{self._at.answers_within:g} s"
            return _wrong(
                "sms",
                sms.provider,
                zh=f"问不到签名的报备状态：{why}",
                en=f"the state of the signature is not told: {why}",
                do_zh="检查网络、sms_key_id、sms_key_secret 和它的权限",
                do_en="check the network, sms_key_id, sms_key_secret and what that key may do",
            )
        if not found.usable:
            return _wrong(
                "sms",
                sms.provider,
                zh=f"签名还不能用：{found.detail}；验证码发不出去",
                en=f"the signature cannot be used: {found.detail}; no code arrives",
                do_zh="在短信平台完成签名的报备，sms_signature（和 sms_sign_id）要与那里一致",
                do_en="have the signature registered there; sms_signature (and sms_sign_id) must be as they are there",
            )
        return _well(
            "sms",
            f"{found.detail}；每小时每个车场最多 {sms.per_lot} 条，每个号码最多 {sms.per_phone} 条",
            f"{found.detail}; at most {sms.per_lot} an hour for a lot, {sms.per_phone} for a phone",
            sms.provider,
        )

    @staticmethod
    def _is_beside(url: str) -> bool:
        """Whether BoLink is a stand-in on this machine."""
        return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")

    def _open_devices(self) -> list[Finding]:
        if not self._at.open_devices:
            return [_well("device", "每台设备的地址里都有密文", "every device has a secret in its address")]
        return [
            _wrong(
                "device",
                device,
                zh=f"设备 {device} 不带密文也收：能连上平台、知道序列号的人都能抬杆",
                en=f"the device {device} may post without a secret: whoever reaches the platform and knows the serial "
                "raises the arm",
                do_zh=f"在设备上填 taigan device show {device} 打印的地址，再从 open_devices 里去掉它",
                do_en=f"enter the address that `taigan device show {device}` prints at the device, then take it out of "
                "open_devices",
            )
            for device in self._at.open_devices
        ]

    def _brokers(self) -> list[Finding]:
        found = []
        for lane, broker, signs_in in self._at.brokers:
            if is_open(broker, signs_in=signs_in):
                found.append(
                    _wrong(
                        "broker",
                        lane,
                        zh=f"通道 {lane} 的代理 {broker} 不加密或不用登录：同一网络里的人都能抬杆",
                        en=f"the broker {broker} of lane {lane} is spoken to in the clear or without a user: anybody "
                        "in that network raises the arm",
                        do_zh="用 mqtts://、username 和 password，并在代理上给每台设备限定主题（barriers.md）",
                        do_en="use mqtts://, username and password, and give each device its own topics at the broker "
                        "(barriers.en.md)",
                    )
                )
        return found or [_well("broker", "都加密、都登录", "all are spoken to by TLS and by name, or on this machine")]

    async def _database(self) -> tuple[Inspection | None, Finding]:
        try:
            found = await inspect_database(self._at.database_url)
        except CannotOpen as error:
            return None, _wrong(
                "database",
                zh=f"数据库打不开：{error}",
                en=f"the database cannot be opened: {error}",
                do_zh="看数据库在不在运行、database_url 和 data_dir 对不对、当前用户有没有权限",
                do_en="see that it runs, that database_url and data_dir are right, and that this user may read it",
            )
        if found.revision is None:
            return None, _wrong(
                "database",
                zh="数据库里还没有表",
                en="the database has no tables yet",
                do_zh="启动一次 taigan lot，它会建好",
                do_en="start taigan lot once: it makes them",
            )
        if found.revision != HEAD:
            return None, _wrong(
                "database",
                zh=f"数据库是版本 {found.revision}，本程序是版本 {HEAD}",
                en=f"the database is of revision {found.revision}, this program of {HEAD}",
                do_zh="用同一版本的 taigan：数据库旧就重启 taigan lot，它会升级；数据库新就先升级程序",
                do_en="use one version: restart taigan lot for an older database, upgrade taigan for a newer one",
            )
        if found.read_only:
            return found, _wrong(
                "database",
                zh="数据库只能读，不能写：司机都会被告知系统繁忙",
                en="the database can be read only: every driver is told to try later",
                do_zh="PostgreSQL：地址要指向主库，且没有设成只读；SQLite：看文件和目录的权限、磁盘",
                do_en="PostgreSQL: the address must lead to the primary, which must not be set read-only; SQLite: see "
                "the rights of the file and its folder, and the disk",
            )
        if found.clock is not None:
            self._ahead[("数据库", "the database")] = (self._clock.now() - found.clock).total_seconds()
        return found, _well("database", f"{found.engine}，版本 {HEAD}", f"{found.engine}, revision {HEAD}")

    def _disk(self) -> Finding:
        try:
            free = self._free_space(self._at.data)
        except OSError as error:
            return _wrong(
                "disk",
                str(self._at.data),
                zh=f"数据目录看不了：{error.strerror}",
                en=f"data_dir cannot be looked at: {error.strerror}",
                do_zh="看 data_dir 写得对不对",
                do_en="see whether data_dir is right",
            )
        size = f"{free / 1024**3:.1f} GiB"
        if free >= ENOUGH_SPACE:
            return _well("disk", f"空闲 {size}", f"{size} free", str(self._at.data))
        return _wrong(
            "disk",
            str(self._at.data),
            zh=f"只剩 {size}",
            en=f"only {size} free",
            do_zh="腾出空间；磁盘满了就不能提交，司机会被告知系统繁忙",
            do_en="make room: on a full disk nothing can be committed and drivers are told to try later",
        )

    async def _pictures(self, where: str, store: Store) -> Finding:
        try:
            await within(self._at.answers_within, store.look())
        except (StoreFailed, TimeoutError) as error:
            why = str(error) or f"{self._at.answers_within:g} s"
            return _wrong(
                "pictures",
                where,
                zh=f"图片存不进去：{why}",
                en=f"no picture can be kept: {why}",
                do_zh="看 pictures_in、s3_… 和文件夹的权限；车照常进出，只是没有图片",
                do_en="see to pictures_in, s3_… and the folder's rights; cars come and go meanwhile",
            )
        return _well("pictures", "能存", "can be kept", where)

    async def _platform(self) -> Finding:
        url = f"{self._at.platform_url}/readyz"
        try:
            answer = await self._ask("GET", url)
        except _Silent as error:
            return _wrong(
                "platform",
                self._at.platform_url,
                zh=f"平台没有应答：{error}",
                en=f"the platform does not answer: {error}",
                do_zh="启动 taigan lot；已启动就看它的日志",
                do_en="start taigan lot, or read its log if it runs",
            )
        if answer.status == 200:
            return _well("platform", "就绪", "ready", self._at.platform_url)
        return _wrong(
            "platform",
            self._at.platform_url,
            zh=f"平台没有就绪（HTTP {answer.status}）：{_short(answer.body)}",
            en=f"the platform is not ready (HTTP {answer.status}): {_short(answer.body)}",
            do_zh="多半是数据库；看平台的日志",
            do_en="mostly it is the database; read the platform's log",
        )

    async def _bolink(self) -> Finding:
        try:
            answer = await self._ask("HEAD", self._at.bolink_url)
        except _Silent as error:
            return _wrong(
                "bolink",
                self._at.bolink_url,
                zh=f"连不上泊链：{error}",
                en=f"BoLink is not reached: {error}",
                do_zh="检查网络、DNS、防火墙、hub_url；入场照常，上传排队，恢复后自己补上",
                do_en="check network, DNS, firewall and hub_url; cars enter all the same and uploads wait",
            )
        if answer.ahead is not None:
            self._ahead[("泊链", "BoLink")] = answer.ahead
        return _well("bolink", "连得上", "reached", self._at.bolink_url)

    def _time(self) -> Finding:
        if not self._ahead:
            return _skipped("clock", "没有可比的钟", "no other clock to compare with")
        zh = "，".join(f"与{who}相差 {abs(off):.0f} 秒" for (who, _), off in self._ahead.items())
        en = ", ".join(
            f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} {who}" for (_, who), off in self._ahead.items()
        )
        if all(abs(off) <= ALLOWED_SKEW for off in self._ahead.values()):
            return _well("clock", zh, en)
        return _wrong(
            "clock",
            zh=zh,
            en=en,
            do_zh="装好并启动 NTP（timedatectl set-ntp true），每台机器都要",
            do_en="run NTP on every machine (timedatectl set-ntp true)",
        )

    def _keys(self, inspection: Inspection | None) -> list[Finding]:
        if inspection is None:
            return [_skipped("key", "数据库没有看成", "the database was not seen")]
        if not self._at.accounts and not inspection.keys:
            return [
                _wrong(
                    "key",
                    zh="一个厂商也没有",
                    en="there is no vendor",
                    do_zh="在配置里加 [[vendors]]（泊链给的编号和密钥），重启 taigan lot",
                    do_en="add [[vendors]] to the configuration, with BoLink's number and key, and restart taigan lot",
                )
            ]
        configured = {account.union_id: account.key for account in self._at.accounts}
        union_ids = [*configured, *dict.fromkeys(k.union_id for k in inspection.keys if k.union_id not in configured)]
        return [self._key(union_id, configured.get(union_id), inspection) for union_id in union_ids]

    def _key(self, union_id: str, configured: str | None, inspection: Inspection) -> Finding:
        known = [key for key in inspection.keys if key.union_id == union_id]
        current = next((key.key for key in known if key.valid_until is None), None)
        if current is not None and configured in (None, current):
            return _well("key", "有密钥", "there is a key", union_id)
        if current is not None and configured in {key.key for key in known}:
            return _well(
                "key",
                "有密钥，是运行中换的；配置里还是旧的，不影响",
                "there is a key, changed while running; the configuration has an earlier one, which does no harm",
                union_id,
            )
        return _wrong(
            "key",
            union_id,
            zh="配置里的密钥还没有被平台采用",
            en="the platform has not taken over the key of the configuration",
            do_zh="重启 taigan lot；或用 PUT /api/v1/vendors/{union_id}/key 换",
            do_en="restart taigan lot, or change the key by PUT /api/v1/vendors/{union_id}/key",
        )

    async def _signatures(self, inspection: Inspection | None) -> list[Finding]:
        """A call that changes nothing (2.3, which makes no code) is signed for a lot of each vendor."""
        peers = self._at.peers
        if inspection is None or peers is None:
            return [_skipped("signature", "数据库没有看成", "the database was not seen")]
        lanes = {lane.lot_id.partition("-")[0]: lane for lane in reversed(inspection.lanes)}
        keys = {key.union_id: key.key for key in reversed(inspection.keys) if key.valid_until is None}
        tried = [
            self._signature(peers, union_id, keys[union_id], lanes[union_id]) for union_id in keys if union_id in lanes
        ]
        if not tried:
            return [_skipped("signature", "还没有车场或密钥", "there is no lot or no key yet")]
        return list(await asyncio.gather(*tried))

    async def _signature(self, peers: Peers, union_id: str, key: str, lane: Lane) -> Finding:
        seconds = self._at.answers_within
        try:
            said = await _asked(peers, peers.own, union_id, key, lane, seconds)
        except _Silent as error:
            return _skipped("signature", f"泊链没有应答：{error}", f"BoLink did not answer: {error}", subject=union_id)
        if not said:
            return _well("signature", "泊链认得这把密钥签的名", "BoLink knows what this key signs", union_id)
        fits = []
        for other in peers.others:
            with contextlib.suppress(_Silent):
                if not await _asked(peers, other, union_id, key, lane, seconds):
                    fits.append(other.name)
        if fits:
            return _wrong(
                "signature",
                union_id,
                zh=f"泊链说：{said}；这把密钥是泊链另一个环境（{fits[0]}）的",
                en=f"BoLink says: {said}; the key is that of its other side ({fits[0]})",
                do_zh=f"把 hub_url 改成 {fits[0]}，或换成这个环境的密钥",
                do_en=f"set hub_url to {fits[0]}, or use the key of this side",
            )
        return _wrong(
            "signature",
            union_id,
            zh=f"泊链不认这把密钥签的名：{said}",
            en=f"BoLink does not take what this key signs: {said}",
            do_zh="与泊链核对 union_id、车场编号和密钥（一个字也不能差，前后没有空格）；用 taigan key set 换",
            do_en="compare union_id, park_id and key with BoLink's, to the letter and without blanks; taigan key set",
        )

    async def _callbacks(self) -> list[Finding]:
        if self._at.polls:
            said = (
                "不用回调地址：泊链的消息由平台去取（connection = poll）",
                "none: the platform fetches (connection = poll)",
            )
            return [_well("callback", *said)]
        urls = list(dict.fromkeys(account.callback_url for account in self._at.accounts))
        return list(await asyncio.gather(*map(self._callback, urls)))

    async def _callback(self, url: str) -> Finding:
        try:
            answer = await self._ask("POST", url, UNSIGNED)
        except _Silent as error:
            return _wrong(
                "callback",
                url,
                zh=f"回调地址没有应答：{error}",
                en=f"the callback address does not answer: {error}",
                do_zh="看平台和它前面的代理在不在运行；泊链收不到应答，司机就进不来",
                do_en="see that the platform and the proxy before it run: without them no driver gets in",
            )
        state = _state_of(answer.body)
        if answer.status == 401 and state == 0:
            took = f"{answer.seconds * 1000:.0f} ms"
            return _well("callback", f"拒绝了没有签名的消息，{took}", f"refused an unsigned message in {took}", url)
        if state == 1:
            return _wrong(
                "callback",
                url,
                zh="回调地址接受了没有签名的消息",
                en="the callback address took an unsigned message",
                do_zh="那里不是抬杆，或有东西改了应答：马上断开它",
                do_en="that is not taigan, or something changes its answers: cut it off now",
            )
        return _wrong(
            "callback",
            url,
            zh=f"回调地址的应答不是平台的（HTTP {answer.status}）：{_short(answer.body)}",
            en=f"what answers there is not the platform (HTTP {answer.status}): {_short(answer.body)}",
            do_zh="看代理把 /bolink 转给了谁（docs/examples/nginx.conf）",
            do_en="see where the proxy sends /bolink (docs/examples/nginx.conf)",
        )

    async def _barriers(self) -> AsyncIterator[Finding]:
        if not self._at.token:
            yield _wrong(
                "barrier",
                zh="配置里没有 api_tokens，问不了平台",
                en="the configuration has no api_tokens to ask the platform with",
                do_zh="taigan token create doctor --right lot:see，把它写进 [lot] api_tokens",
                do_en="taigan token create doctor --right lot:see, and put it into [lot] api_tokens",
            )
            return
        try:
            async for lot in self._items("/api/v1/lots", _Lot):
                async for lane in self._items(f"/api/v1/lots/{quote(lot.lot_id, safe='')}/lanes", _Lane):
                    yield _barrier(lane)
        except _Silent as error:
            yield _wrong(
                "barrier",
                zh=f"平台的接口答不上来：{error}",
                en=f"the platform's API does not say: {error}",
                do_zh="HTTP 401 是令牌不对：看 [lot] api_tokens 和 taigan token list；别的看平台的日志",
                do_en="HTTP 401 is a wrong token: see [lot] api_tokens and taigan token list; else read its log",
            )

    async def _items(self, path: str, kind: type[Item]) -> AsyncIterator[Item]:
        cursor = ""
        while True:
            url = f"{self._at.platform_url}{path}?limit=1000&cursor={quote(cursor, safe='')}"
            answer = await self._ask("GET", url, headers={"Authorization": f"Bearer {self._at.token}"})
            if answer.status != 200:
                raise _Silent(f"HTTP {answer.status}")
            try:
                page = msgspec.json.decode(answer.body, type=_Page[kind])  # type: ignore[valid-type]
            except _NOT_JSON:
                raise _Silent(_short(answer.body)) from None
            for item in page.items:
                yield item
            if not page.next:
                return
            cursor = page.next

    def _queue(self, inspection: Inspection | None) -> Finding:
        if inspection is None:
            return _skipped("queue", "数据库没有看成", "the database was not seen")
        if inspection.refused:
            return _wrong(
                "queue",
                zh=f"有 {inspection.refused} 条上传被泊链拒绝，没有再发",
                en=f"BoLink refused {inspection.refused} uploads, which were not sent again",
                do_zh="看 /api/v1/lots/…/deliveries?state=refused 里的应答；改好后 POST …/deliveries/retry 全部再发",
                do_en="read its answers in /api/v1/lots/…/deliveries?state=refused; POST …/deliveries/retry sends all",
            )
        if inspection.oldest_owed is None:
            return _well("queue", "不欠泊链任何上传", "nothing is owed to BoLink")
        age = max(0.0, (self._clock.now() - inspection.oldest_owed).total_seconds())
        zh = f"欠泊链 {inspection.owed} 条，最早的等了 {age:.0f} 秒"
        en = f"{inspection.owed} uploads are owed, the oldest for {age:.0f} s"
        if age <= self._at.queue_alarm_after:
            return _well("queue", zh, en)
        return _wrong(
            "queue",
            zh=zh,
            en=en,
            do_zh="看连不连得上泊链、/api/v1/lots/…/deliveries 里它怎么答的；不会丢，恢复后自己补上",
            do_en="see whether BoLink is reached and what it answered (/api/v1/lots/…/deliveries); nothing is lost",
        )

    def _codes(self, inspection: Inspection | None) -> list[Finding]:
        if inspection is None:
            return [_skipped("code", "数据库没有看成", "the database was not seen")]
        entries = [lane for lane in inspection.lanes if lane.direction == "entry"]
        without = [f"{lane.lot_id}/{lane.channel_id}" for lane in entries if not lane.entry_url]
        if entries and not without:
            return [_well("code", f"{len(entries)} 条入口车道都有码", f"all {len(entries)} entry lanes have one")]
        if not entries:
            return [
                _wrong(
                    "code",
                    zh="没有入口车道",
                    en="there is no entry lane",
                    do_zh="在配置里加 [[lots.lanes]]，重启 taigan lot",
                    do_en="add [[lots.lanes]] to the configuration and restart taigan lot",
                )
            ]
        return [
            _wrong(
                "code",
                lane,
                zh="还没有码",
                en="no code yet",
                do_zh="看泊链那边登记了这个通道没有（channel_id 要一致）；平台会一直再要",
                do_en="see whether BoLink knows the channel by this very channel_id; the platform goes on asking",
            )
            for lane in without
        ]

    def _tokens(self, inspection: Inspection | None) -> Finding:
        if inspection is None:
            return _skipped("token", "数据库没有看成", "the database was not seen")
        unlimited = [token.name for token in inspection.tokens if token.roles is None and token.rights is None]
        if not unlimited:
            return _well("token", "每个令牌只有它需要的权限", "every token has rights of its own")
        names = ", ".join(unlimited)
        return Finding(
            check="token",
            state="well",
            zh=f"这些令牌什么都能做：{names}",
            en=f"these tokens may do everything: {names}",
            do_zh="给每个程序一个只有它所需权限的令牌：taigan token create 名字 --role …",
            do_en="give each program a token that may do what it needs: taigan token create NAME --role …",
        )

    def _secrets(self) -> list[Finding]:
        found: list[Finding] = []
        if SAMPLES.intersection(self._at.secrets):
            found.append(
                _wrong(
                    "secret",
                    zh="有令牌是文档里的例子，谁都知道",
                    en="a token is one of the documentation's examples: everybody knows it",
                    do_zh="换成 openssl rand -hex 32 给出的，重启",
                    do_en="take what openssl rand -hex 32 gives, and restart",
                )
            )
        for path in self._at.files:
            try:
                mode = path.stat().st_mode
            except OSError:
                continue
            if mode & 0o007:
                found.append(
                    _wrong(
                        "secret",
                        str(path),
                        zh="这台机器上谁都能读",
                        en="everybody on this machine may read it",
                        do_zh=f"chmod o= {path}",
                        do_en=f"chmod o= {path}",
                    )
                )
        return found or [_well("secret", "只有该看的人能看", "only those who should can read them")]

    async def _ask(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> _Answer:
        began, now = self._clock.monotonic(), self._clock.now()
        try:
            async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
                content = await answer.read()
        except TimeoutError:
            raise _Silent(f"{self._at.answers_within:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _Silent(why_not_reached(error)[1]) from None
        seconds = self._clock.monotonic() - began
        date = _date(answer.headers.get("Date", ""))
        ahead = None if date is None else (now - date).total_seconds() + seconds / 2 - 0.5
        return _Answer(answer.status, content, seconds, ahead)


def _wrong(check: str, subject: str = "", *, zh: str, en: str, do_zh: str, do_en: str) -> Finding:
    return Finding(check=check, subject=subject, state="wrong", zh=zh, en=en, do_zh=do_zh, do_en=do_en)


async def _asked(peers: Peers, side: Addresses, union_id: str, key: str, lane: Lane, seconds: float) -> str:
    """What that side says against the signature of a call; empty when it has nothing against it. Raises _Silent."""
    client = BolinkClient(union_id, key, side, peers.transport, seconds, pauses=())
    kind = values.CodeKind.NO_PLATE_ENTRY if lane.direction == "entry" else values.CodeKind.EXIT_PAYMENT
    park_id = lane.lot_id.partition("-")[2]
    asked = GetQrCode(park_id=park_id, type=kind, channel_id=lane.channel_id, create=values.YesNo.NO)
    try:
        await client.get_qr_code(asked)
    except Refused as refused:
        return refused.text if any(word in refused.text.lower() for word in ("签名", "验签", "sign")) else ""
    except BadAnswer as odd:
        if odd.status in (401, 403):
            return f"HTTP {odd.status}"
        raise _Silent(str(odd)) from None
    except BolinkError as error:
        raise _Silent(str(error)) from None
    return ""


def _well(check: str, zh: str, en: str, subject: str = "") -> Finding:
    return Finding(check=check, subject=subject, state="well", zh=zh, en=en)


def _skipped(check: str, zh: str, en: str, subject: str = "") -> Finding:
    return Finding(check=check, subject=subject, state="skipped", zh=f"没有看：{zh}", en=f"not looked at: {en}")


def _barrier(lane: _Lane) -> Finding:
    subject, barrier = f"{lane.lot_id}/{lane.channel_id}", lane.barrier
    if not barrier.online:
        return _wrong(
            "barrier",
            subject,
            zh=f"道闸连不上（{barrier.driver}），上次听到它：{barrier.last_heard or '从未'}",
            en=f"the barrier is not reached ({barrier.driver}); last heard of: {barrier.last_heard or 'never'}",
            do_zh=f"查设备的电源、网线、地址和密码；再试 taigan barrier test {subject}",
            do_en=f"check its power, cable, address and password, then taigan barrier test {subject}",
        )
    if lane.loop_dead:
        return _wrong(
            "barrier",
            subject,
            zh="道闸在线，但地感不再报车，司机要等管理员放行",
            en="the barrier is reached, but its loop sees no cars any more: drivers wait for the attendant",
            do_zh="修地感；车一压上它就自己恢复",
            do_en="mend the loop; it counts again with the first car it sees",
        )
    return _well("barrier", f"道闸在线（{barrier.driver}）", f"the barrier is reached ({barrier.driver})", subject)


def _state_of(body: bytes) -> int | None:
    try:
        said = msgspec.json.decode(body)
    except _NOT_JSON:
        return None
    state = said.get("state") if isinstance(said, dict) else None
    return state if isinstance(state, int) else None


def _short(body: bytes) -> str:
    return " ".join(body.decode("utf-8", "replace").split())[:120]


def _date(header: str) -> datetime | None:
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    return then if then.tzinfo is not None else None
