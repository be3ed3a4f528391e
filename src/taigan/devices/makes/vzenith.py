"""A 臻识 Vzenith camera with its two relay outputs, its inputs and its serial port, over MQTT or over HTTP.

Over MQTT it answers every command on `…/reply`; over HTTP it posts, and does what the answers say.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import aiohttp
import msgspec

from taigan.devices.electronics.device import Device, Fault, Seconds
from taigan.devices.electronics.led import Reader, Screen
from taigan.devices.electronics.mqtt import MqttLine
from taigan.devices.lanes.lane import Arm, Reply, Verb
from taigan.devices.lanes.photos import photo_of
from taigan.running.tasks import end

log = logging.getLogger(__name__)

VERSION = "1.0"
DONE = 200
FAILED = 500
UNKNOWN = 404
TRIES = 4
RECORDS_KEPT = 9000
POST_TIMEOUT = 15.0
PICTURE = 600_000
PIECES = 20


class CameraSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the camera is wired: output 0 opens, 1 closes; input 0 is the loop, `under_input` the one under the arm."""

    serial: str
    open_output: int = 0
    close_output: int = 1
    loop_input: int = 0
    under_input: int = -1


class Camera(Device):
    """What the camera does, however it is spoken to."""

    faults = Device.faults | {Fault.PLAIN_PLATES}

    def __init__(self, settings: CameraSettings) -> None:
        super().__init__()
        self.settings = settings
        self.screen = Screen()
        self._serial_port = Reader()

    def output(self, io: int, value: int, reply: Callable[[Reply], None]) -> None:
        """Switch a relay output: 0 off, 1 on, 2 a pulse."""
        if io == self.settings.open_output:
            verb = {0: Verb.CLOSE, 1: Verb.HOLD, 2: Verb.OPEN}.get(value)
        else:
            verb = Verb.CLOSE if io == self.settings.close_output and value else None
        if verb is None:
            reply(Reply(value in (0, 1, 2) and 0 <= io <= 3, "no such output"))
        else:
            self.command(verb, reply)

    def serial_data(self, items: Any) -> None:
        """Write to the serial port what came as `serialData`."""
        for item in items if isinstance(items, list) else []:
            data = base64.b64decode(item["data"])
            if len(data) != item["dataLen"]:
                raise ValueError("dataLen is not the length of data")
            for frame in self._serial_port.feed(data):
                self.screen.show(frame)
        self.lane.show(self.screen.text)

    def input_alarm(self, source: int, lit: bool) -> dict[str, Any]:
        """What the camera says of an input."""
        return {
            "deviceName": "entry",
            "ipaddr": "192.168.1.100",
            "serialno": self.settings.serial,
            "result": {"TriggerResult": {"source": source, "value": int(lit)}},
        }

    def plate_alarm(self, plate: str, plate_id: int, *, offline: bool = False) -> dict[str, Any]:
        """What the camera says of a plate it read."""
        picture = b"" if offline else photo_of(plate)
        said = plate if self.fault is Fault.PLAIN_PLATES else base64.b64encode(plate.encode()).decode()
        return {
            "channel": 0,
            "deviceName": "entry",
            "ipaddr": "192.168.1.100",
            "serialno": self.settings.serial,
            "result": {
                "PlateResult": {
                    "license": said,
                    "plateid": plate_id,
                    "isoffline": int(offline),
                    "imageFile": base64.b64encode(picture).decode(),
                    "imageFileLen": len(picture),
                    "triggerType": 8,
                    "colorType": 1,
                    "confidence": 98,
                    "timeStamp": {"Timeval": {"sec": int(time.time()), "usec": 0}},
                }
            },
        }

    def loop(self, lit: bool) -> None:
        self.report_input(self.settings.loop_input, lit)

    def under(self, lit: bool) -> None:
        if self.settings.under_input >= 0:
            self.report_input(self.settings.under_input, lit)

    def report_input(self, source: int, lit: bool) -> None:
        """Tell the platform of an input."""

    async def read_plate(self, plate: str) -> None:
        """A car with a plate comes into the picture."""


class MqttCameraSettings(CameraSettings, frozen=True, kw_only=True):
    """A camera that knows a broker. `prefix`: where its topics begin. `persistent`: it wants what it missed."""

    broker: str
    username: str = ""
    password: str = ""
    prefix: str = "device/{serial}/message"
    keep_alive: Seconds = 10.0
    gate_status: bool = True  # the arm's limit switches are wired
    persistent: bool = False


class MqttCamera(Camera):
    """The camera over MQTT."""

    def __init__(self, settings: MqttCameraSettings) -> None:
        super().__init__(settings)
        self._mqtt = settings
        self._prefix = settings.prefix.replace("{serial}", settings.serial)
        self._plates = 0
        self._line = MqttLine(
            settings.broker,
            [(f"{self._prefix}/down/+", 1)],
            self._take,
            self._stay_alive,
            username=settings.username or None,
            password=settings.password or None,
            identifier=settings.serial,
            clean_session=not settings.persistent,
        )

    @property
    def connected(self) -> asyncio.Event:
        """Set while the broker is there."""
        return self._line.connected

    async def start(self) -> None:
        await self._line.start()

    async def stop(self) -> None:
        await self._line.stop()

    async def set_fault(self, fault: Fault) -> None:
        await super().set_fault(fault)
        if fault is Fault.UNPLUGGED:
            await self.stop()
        else:
            await self.start()

    def report_input(self, source: int, lit: bool) -> None:
        body = {"AlarmGioIn": self.input_alarm(source, lit)}
        self._say("gpio_in", {"type": "gpio_in", "body": body})

    def arm(self, *, up: bool, down: bool) -> None:
        if self._mqtt.gate_status and (up or down):
            body = {"connect_status": 1, "enable": 1, "gate_ctrl_id": 1, "gate_status": int(up)}
            self._say("barr_gate_status", {"type": "barr_gate_status", "body": body})

    async def read_plate(self, plate: str) -> None:
        self._plates += 1
        body = {"AlarmInfoPlate": self.plate_alarm(plate, self._plates)}
        self._say("ivs_result", {"type": "ivs_result", "body": body})

    def _say(self, name: str, payload: Any) -> None:
        self._line.say(f"{self._prefix}/up/{name}", self._message(secrets.token_hex(16), name, payload))

    def _message(self, message_id: Any, name: str, payload: Any, **more: Any) -> dict[str, Any]:
        return {
            "id": message_id,
            "sn": self.settings.serial,
            "name": name,
            "version": VERSION,
            "timestamp": int(time.time()),
            "payload": payload,
            **more,
        }

    async def _stay_alive(self) -> None:
        self._say("keep_alive", {"type": "keep_alive", "body": {"timestamp": int(time.time())}})
        self.arm(up=self.lane.arm is Arm.OPEN, down=self.lane.arm is Arm.CLOSED)
        while True:
            await asyncio.sleep(self._mqtt.keep_alive)
            self._say("keep_alive", {"type": "keep_alive", "body": {"timestamp": int(time.time())}})

    def _take(self, topic: str, payload: Any) -> None:
        name = topic.rpartition("/")[2]
        try:
            message = json.loads(payload)
            content = message.get("payload")
            body = content.get("body", {}) if isinstance(content, dict) else {}
            answer = partial(self._answer, name, message["id"])
            match name:
                case "gpio_out":
                    self.output(body["io"], body["value"], answer)
                case "gate_direct_open":
                    self.command(Verb.OPEN, answer)
                case "set_io_lock_status":
                    self.command({0: Verb.CLOSE, 1: Verb.HOLD, 2: Verb.CLOSE}[body["status"]], answer)
                case "serial_data":
                    self.serial_data(body["serialData"])
                    answer(Reply(True))
                case "tts_voice" | "snapshot" | "set_time":
                    answer(Reply(True))
                case _:
                    answer(Reply(False, "unknown"), code=UNKNOWN)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("camera %s: %s is not understood: %s", self.settings.serial, name, error)

    def _answer(self, name: str, message_id: Any, reply: Reply, code: int = FAILED) -> None:
        message = self._message(message_id, name, None, code=DONE if reply.accepted else code)
        self._line.say(f"{self._prefix}/down/{name}/reply", message)


class HttpCameraSettings(CameraSettings, frozen=True, kw_only=True):
    """A camera that posts to `url`. `heartbeat`: 5 s with its offline check on, 30 s otherwise. `picture_takes`: how
    long a picture is on its way over a slow line."""

    url: str
    heartbeat: Seconds = 30.0
    picture_takes: Seconds = 5.0


class HttpCamera(Camera):
    """The camera that posts. It obeys the answers to plates and to heartbeats, and no others."""

    faults = Camera.faults | {Fault.CHATTERS, Fault.SLOW_LINE}

    def __init__(self, settings: HttpCameraSettings) -> None:
        super().__init__(settings)
        self._http = settings
        self._session: aiohttp.ClientSession | None = None
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._kept: deque[tuple[str, int]] = deque(maxlen=RECORDS_KEPT)  # plates read while nobody listened
        self._tasks: list[asyncio.Task[None]] = []
        self._plates = 0

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(POST_TIMEOUT))
        self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._beat())]

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        await end(*tasks)
        if self._session is not None:
            await self._session.close()

    def report_input(self, source: int, lit: bool) -> None:
        self._outgoing.put_nowait({"AlarmGioIn": self.input_alarm(source, lit)})

    async def read_plate(self, plate: str) -> None:
        self._plates += 1
        for _ in range(TRIES):
            alarm = {"AlarmInfoPlate": self.plate_alarm(plate, self._plates)}
            if self.fault is Fault.SLOW_LINE:
                alarm["AlarmInfoPlate"]["result"]["PlateResult"]["imageFile"] = "A" * PICTURE
                body: dict[str, Any] = {"data": self._slowly(json.dumps(alarm).encode())}
            else:
                body = {"json": alarm}
            if await self._post(**body):
                return
        self._kept.append((plate, self._plates))

    async def beat(self) -> bool:
        """Send a heartbeat, and then what was kept; whether anybody answered."""
        for other in self._chatter() if self.fault is Fault.CHATTERS else ():
            await self._post(obeys=False, json=other)
        fields = {
            "device_name": "entry",
            "ipaddr": "192.168.1.100",
            "port": "80",
            "user_name": "admin",
            "pass_wd": "admin",
            "serialno": self.settings.serial,
            "channel_num": "0",
        }
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in fields.items():
            form.add_field(name, value)
        answered = await self._post(data=form)
        while answered and self._kept:
            plate, plate_id = self._kept[0]
            answered = await self._post(json={"AlarmInfoPlate": self.plate_alarm(plate, plate_id, offline=True)})
            if answered:
                self._kept.popleft()
        return answered

    def _chatter(self) -> list[dict[str, Any]]:
        serial = self.settings.serial
        return [
            {"SerialData": {"serialno": serial, "serialChannel": 0, "data": "AAECAw==", "dataLen": 4}},
            {"TriggerImage": {"imageFile": "AAECAw==", "imageFileLen": 4}},
            {"heartbeat": {"countid": 158, "serialno": serial}},
            {},
        ]

    async def _slowly(self, body: bytes) -> AsyncIterator[bytes]:
        piece = len(body) // PIECES + 1
        for start in range(0, len(body), piece):
            await asyncio.sleep(self._http.picture_takes / PIECES)
            yield body[start : start + piece]

    async def _send(self) -> None:
        while True:
            await self._post(obeys=False, json=await self._outgoing.get())

    async def _beat(self) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(self._http.heartbeat)

    async def _post(self, *, obeys: bool = True, **body: Any) -> bool:
        if self.fault is Fault.UNPLUGGED or self._session is None:
            return False
        try:
            async with self._session.post(self._http.url, **body) as response:
                content = await response.read()
                if response.status != DONE:
                    return False
        except (aiohttp.ClientError, TimeoutError):
            return False
        if not obeys:
            return True
        try:
            self._obey(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("camera %s: the answer is not understood: %s", self.settings.serial, error)
        return True

    def _obey(self, answer: Any) -> None:
        orders = answer.get("Response_AlarmInfoPlate", {})
        if orders.get("info") == "ok":
            self.output(self.settings.open_output, 2, _ignored)
        if "ivs_ioctrl" in orders:
            self.output(orders["ivs_ioctrl"]["io"], orders["ivs_ioctrl"]["value"], _ignored)
        if "serialData" in orders:
            self.serial_data(orders["serialData"])


def _ignored(reply: Reply) -> None:
    """The camera confirms nothing over HTTP."""
