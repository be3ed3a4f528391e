"""Anyone's own controller over HTTP: commands go out to its address, its reports come in, both signed.

A signature is an HMAC-SHA256 with the lane's secret, in hex, in `X-Taigan-Signature`: of `{timestamp}.{body}` where we
ask, of `{serial}.{timestamp}.{body}` where it reports, of `{the question's signature}.{body}` where it answers.
`X-Taigan-Timestamp` holds unix seconds, with a fraction if need be: the same signed bytes count once. The schema is in
docs/barriers.md.

    to the controller   POST {url}                     {"id", "lot_id", "channel_id", "command", "deadline"}
                        answer                         {"outcome": "accepted|rejected", "reason"}
                        POST {url}                     {"lot_id", "channel_id", "screen", "lines"}, at an exit with
                                                       "price": {"plate", "minutes", "due_fen", "text", "code"}
    to us               POST /devices/http/{serial}    {"id", "boot", "loop": bool} and the like, as over MQTT
                        answer                         {}
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from typing import Annotated, Any, Literal

import msgspec

from taigan.barriers.barrier import Barrier, Outcome, Price, Result, Sight
from taigan.barriers.door import Answer, Mailbox, Post, Serial
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch, NoAnswer, NotSent
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.device_http import DeviceAddress, HttpDevice
from taigan.barriers.wires.led import ScreenSettings, lines
from taigan.barriers.wires.price import ToldPrice, in_words
from taigan.barriers.wires.reports import Reports

NAME = "http"
FRESH = 300.0
REPORT_WITH_PICTURE = 1024 * 1024
"""Bytes: a signed report is digested as a whole before anything of it is believed."""
SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


class Settings(DeviceAddress, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A controller with an address of its own.

    `serial`: its name in /devices/http/{serial}. `secret`: what both sides sign with. `from`: its network address,
    where nobody else may speak for it. `signs_answers`: an answer of its that is not signed counts for nothing.
    `names_itself`: a report counts only if its `serial` is signed with it. `position`: it reports the arm.
    `two_loops`: it reports a loop under the arm. `silent_after`: seconds without a report after which it counts as
    offline, 0 where it only reports when something happens.
    """

    serial: Serial
    secret: Annotated[str, msgspec.Meta(min_length=16)]
    sender: str = msgspec.field(name="from", default="")
    signs_answers: bool = False
    names_itself: bool = False
    position: bool = True
    two_loops: bool = False
    silent_after: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    screen: ScreenSettings | None = None


class Reply(msgspec.Struct):
    """The controller's answer to a command."""

    outcome: Literal["accepted", "rejected"]
    reason: str = ""


def signature(secret: str, about: str, body: bytes) -> str:
    """What proves that a body comes from someone who knows the secret, and what it is `about`: whence, from when."""
    return hmac.new(secret.encode(), about.encode("utf-8", "replace") + b"." + body, hashlib.sha256).hexdigest()


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane's barrier; its controller's reports come through the `Site`."""
    watch = site.watch(
        lane,
        f"controller {settings.serial}",
        signals=LaneSignals(two_loops=settings.two_loops),
        silent_after=settings.silent_after,
    )
    if not settings.silent_after:
        watch.presume()
    barrier = HttpController(settings, watch, site, detector=lane.detector)
    site.receive(
        Mailbox(
            lane.key,
            NAME,
            settings.serial,
            barrier.handle,
            watch.warn,
            sender=settings.sender,
            signs=True,
            limit=REPORT_WITH_PICTURE,
        )
    )
    return barrier


class HttpController(WatchedBarrier):
    """One controller."""

    def __init__(self, settings: Settings, watch: LaneWatch, site: Site, *, detector: bool) -> None:
        self._settings = settings
        self._clock = site.clock
        self._site = site
        self._device = HttpDevice(site, settings, watch)
        self._reports = Reports(watch, detector=detector, alone=True)
        super().__init__(
            watch,
            Sight(acknowledges=True, position=settings.position, detector=detector),
            WebhookScreen(self, settings.screen or ScreenSettings()),
        )

    async def raise_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "open")

    async def hold_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "hold")

    async def lower_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "close")

    async def post(self, content: dict[str, Any], attempt: Attempt | None = None) -> tuple[int, bytes]:
        """Post something signed about this lane. Raises `NotSent` or `NoAnswer`."""
        lane = self.watch.lane
        body = msgspec.json.encode({"lot_id": lane.lot_id, "channel_id": lane.channel_id, **content})
        timestamp = str(int(self._clock.now().timestamp()))
        signed = signature(self._settings.secret, timestamp, body)
        headers = {"X-Taigan-Timestamp": timestamp, "X-Taigan-Signature": signed}
        status, answer, answered = await self._device.exchange(
            "POST", "", attempt, body=body, content_type="application/json", headers=headers
        )
        shown = answered.get("X-Taigan-Signature", "")
        right = signature(self._settings.secret, signed, answer)
        if (shown or self._settings.signs_answers) and not hmac.compare_digest(shown.encode(), right.encode()):
            raise NoAnswer("the controller's answer is not signed with the lane's secret")
        return status, answer

    async def stop(self) -> None:
        self._site.dismiss(NAME, self._settings.serial, self.handle)
        await super().stop()

    async def handle(self, post: Post) -> Answer:
        """Take a report: 401 when it is not signed with the secret, 409 when these very bytes came before, 400 when
        it makes no sense."""
        timestamp = post.headers.get("x-taigan-timestamp", "")
        shown = post.headers.get("x-taigan-signature", "")
        if not self._is_signed(timestamp, shown, post.body):
            return Answer(b'{"error":"the signature is wrong"}', 401)
        if not SECONDS.fullmatch(timestamp) or abs(self._clock.now().timestamp() - float(timestamp)) > FRESH:
            return Answer(b'{"error":"the timestamp is off by more than 5 minutes"}', 401)
        if not self._site.door.is_first(shown, 2 * FRESH):
            return Answer(b'{"error":"this signed report was taken before"}', 409)
        self.watch.heard()
        not_taken = self.watch.not_taken
        try:
            self._reports.tell(post.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.watch.not_understood(error)
            return Answer(msgspec.json.encode({"error": str(error)}), 400)
        await self.watch.delivered()
        if self.watch.not_taken != not_taken:
            self._reports.forget_last()
            return Answer(b'{"error":"it could not be stored: report it again"}', 503)
        return Answer(b"{}")

    def _is_signed(self, timestamp: str, shown: str, body: bytes) -> bool:
        secret, serial = self._settings.secret, self._settings.serial
        named = hmac.compare_digest(
            shown.encode("utf-8", "replace"), signature(secret, f"{serial}.{timestamp}", body).encode()
        )
        bare = hmac.compare_digest(shown.encode("utf-8", "replace"), signature(secret, timestamp, body).encode())
        return named or (bare and not self._settings.names_itself)

    async def _command(self, attempt: Attempt, command: str) -> Result:
        content = {"id": attempt.command_id, "command": command, "deadline": attempt.deadline.at.timestamp()}
        status, body = await self.post(content, attempt)
        if 400 <= status < 500:
            return Result(Outcome.REJECTED, f"the controller answered HTTP {status}")
        if status != 200:
            raise NoAnswer(f"the controller answered HTTP {status}")
        try:
            reply = msgspec.json.decode(body, type=Reply)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NoAnswer(f"the controller's answer is unusable: {error}") from error
        return Result(Outcome(reply.outcome), reply.reason)


class WebhookScreen:
    """The controller's display."""

    def __init__(self, controller: HttpController, settings: ScreenSettings) -> None:
        self._controller = controller
        self._settings = settings
        self._posting: set[asyncio.Task[None]] = set()

    async def show(self, text: str) -> None:
        """Post the text, in the background."""
        self._later({"screen": text, "lines": lines(text, self._settings)})

    async def ask(self, price: Price) -> None:
        """Post a price, in words and in numbers, in the background."""
        text = in_words(price)
        self._later({"screen": text, "lines": lines(text, self._settings), "price": ToldPrice.of(price)})

    def _later(self, message: dict[str, Any]) -> None:
        task = asyncio.create_task(self._post(message))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def _post(self, message: dict[str, Any]) -> None:
        try:
            await self._controller.post(message)
        except (NotSent, NoAnswer) as error:
            self._controller.watch.not_understood(error)
