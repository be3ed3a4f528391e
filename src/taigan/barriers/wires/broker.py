"""One connection to an MQTT broker, shared by all lanes whose devices speak through it.

Commands go out with QoS 0 and are never retained: a broker keeps neither for a camera that is away, so none opens for
an old command when it comes back. The kernel gives up on bytes that the network does not take within `UNSENT_FOR`, so
that a command does not leave late either.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import aiomqtt
import msgspec
import structlog
from paho.mqtt.reasoncodes import ReasonCode

from taigan.barriers.site import Site
from taigan.barriers.watching.lane_watch import NoAnswer, NotSent
from taigan.network.mqtt_client import Client
from taigan.running.tasks import end, looked_at

log = structlog.get_logger()

UNSENT_FOR = 4000
"""Milliseconds after which unacknowledged bytes are dropped together with the connection."""

SUBSCRIBE_AT_ONCE = 200
REFUSED = 128

MessageHandler = Callable[[bytes], None]
LinkHandler = Callable[[bool, str], None]
"""Told when the connection is there (True), or gone and why."""


class BrokerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to reach a broker. `broker`: mqtt://host:1883, or mqtts://host:8883 with TLS."""

    broker: str
    username: str = ""
    password: str = ""
    ca_file: str = ""  # certificates to trust, for a broker with a certificate of its own; default: the system's
    cert_file: str = ""  # our own certificate and key, where the broker asks for one
    key_file: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.broker)
        try:
            usable = parts.scheme in ("mqtt", "mqtts") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.username is not None:
            raise ValueError("`broker` must look like mqtt://host:1883 or mqtts://host:8883, without user or password")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("`cert_file` and `key_file` belong together")

    @property
    def is_open(self) -> bool:
        """Whether others in the network could speak for the devices: in the clear or without a user, from afar."""
        return is_open(self.broker, signs_in=bool(self.username or self.cert_file))

    def key(self) -> tuple[str, ...]:
        """What makes two connections the same one."""
        return ("mqtt", self.broker, self.username, self.password, self.ca_file, self.cert_file)


def is_open(broker: str, *, signs_in: bool) -> bool:
    """Whether a broker takes anybody of its network: in the clear or without a user, and not on this machine."""
    local = (urlsplit(broker).hostname or "") in ("127.0.0.1", "localhost", "::1")
    return not local and (not signs_in or broker.startswith("mqtt://"))


LONGEST_PREFIX = 128


def check_prefix(prefix: str, *names: str) -> None:
    """Raise `ValueError` unless a prefix of topics, its `{name}`s filled in, is one."""
    bare = filled(prefix, **dict.fromkeys(names, ""))
    if len(prefix) > LONGEST_PREFIX or not prefix.isprintable() or not set("{}+#").isdisjoint(bare):
        known = " and ".join(f"{{{name}}}" for name in names)
        raise ValueError(f"`prefix` is a topic of at most {LONGEST_PREFIX} characters, in which {known} may stand")


def filled(prefix: str, **values: str) -> str:
    """The prefix with `{name}` replaced by its value, and nothing else understood in it."""
    for name, value in values.items():
        prefix = prefix.replace(f"{{{name}}}", value)
    return prefix


def broker_of(site: Site, settings: BrokerSettings) -> Broker:
    """The shared connection to that broker."""
    return site.shared(settings.key(), lambda: Broker(settings, site))


class Broker:
    """One connection and one task for any number of lanes; reconnects with growing waits and jitter."""

    def __init__(self, settings: BrokerSettings, site: Site, *, will: aiomqtt.Will | None = None) -> None:
        self._settings = settings
        self._site = site
        self._will = will
        self._handlers: dict[str, list[MessageHandler]] = {}
        self._links: list[LinkHandler] = []
        self._qos: dict[str, int] = {}
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._late: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether the broker takes messages now."""
        return self._client is not None

    def listen(self, topics: dict[str, MessageHandler], link: LinkHandler | None = None, *, qos: int = 0) -> None:
        """Have messages of these topics handled, and `link` told of the connection.

        Raises `ValueError` for a topic with a wildcard: a `+` in a lot's number would hear, or end, everybody's.
        """
        for topic in topics:
            if not set("+#\0").isdisjoint(topic):
                raise ValueError(f"{topic} cannot be a topic: + and # mean something else in it")
        for topic, handler in topics.items():
            self._handlers.setdefault(topic, []).append(handler)
            self._qos[topic] = max(qos, self._qos.get(topic, qos))
        if link is not None:
            self._links.append(link)
        if self._client is not None:
            task = asyncio.get_running_loop().create_task(self._join(self._client, list(topics), link))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Hand a message to the broker. Raises `NotSent` when it surely did not leave."""
        client = self._client
        if client is None:
            raise NotSent(f"the broker {self._settings.broker} is not connected")
        # a task of its own, for a publication that is cancelled at its very end swallows the cancellation
        publication = asyncio.ensure_future(client.publish(topic, payload, qos=qos, retain=retain))
        publication.add_done_callback(looked_at)
        await asyncio.wait({publication})
        error = publication.exception()
        if isinstance(error, aiomqtt.MqttCodeError):
            raise NotSent(f"the broker did not take the message: {error}") from error
        if error is not None:
            raise NoAnswer(f"the broker did not confirm the message: {error}") from error

    async def start(self) -> None:
        """Begin to connect. Says it aloud where whoever is in the network could speak for the devices."""
        if self._task is None:
            if self._settings.is_open:
                log.warning(
                    "the broker is spoken to in the clear or without a user: anybody in that network raises arms",
                    broker=self._settings.broker,
                )
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Disconnect."""
        task, self._task = self._task, None
        await end(task, *self._late)

    async def _run(self) -> None:
        backoff = self._site.backoff()
        while True:
            reason = "the connection was closed"
            try:
                async with self._make() as client:
                    await self._subscribe(client, self._handlers)
                    self._client = client
                    backoff.reset()
                    log.info("broker connected", broker=self._settings.broker, topics=len(self._handlers))
                    for link in self._links:
                        link(True, "")
                    async for _ in client.messages:
                        pass  # they were handled as they came; this ends with the connection
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                reason = str(error)
            except Exception as error:  # whatever it was, the lanes must come back
                log.exception("broker connection broke", broker=self._settings.broker)
                reason = str(error)
            finally:
                was_there, self._client = self._client is not None, None
                for link in self._links:
                    link(False, f"broker {self._settings.broker}: {reason}")
            if was_there:
                log.warning("broker lost", broker=self._settings.broker, reason=reason)
            await self._site.clock.sleep(backoff.wait())

    def _make(self) -> aiomqtt.Client:
        parts = urlsplit(self._settings.broker)
        tls = None
        if parts.scheme == "mqtts":
            tls = ssl.create_default_context(cafile=self._settings.ca_file or None)
            if self._settings.cert_file:
                tls.load_cert_chain(self._settings.cert_file, self._settings.key_file)
        options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_FOR))
        dispatch = self._dispatch

        class Dispatched(asyncio.Queue[aiomqtt.Message]):
            """Hands each message on at once: a task for each, as aiomqtt has it, costs more than all the rest."""

            def put_nowait(self, item: aiomqtt.Message) -> None:
                dispatch(item)

        return Client(
            parts.hostname or "",
            parts.port or (8883 if tls else 1883),
            username=self._settings.username or None,
            password=self._settings.password or None,
            tls_context=tls,
            will=self._will,
            queue_type=Dispatched,
            keepalive=15,
            timeout=10,
            socket_options=options,
        )

    async def _subscribe(self, client: aiomqtt.Client, topics: Iterable[str]) -> None:
        wanted = [(topic, self._qos[topic]) for topic in topics]
        for start in range(0, len(wanted), SUBSCRIBE_AT_ONCE):
            part = wanted[start : start + SUBSCRIBE_AT_ONCE]
            granted: Iterable[int | ReasonCode] = await client.subscribe(part)
            for (topic, _), code in zip(part, granted, strict=False):
                if (code if isinstance(code, int) else code.value) >= REFUSED:
                    raise aiomqtt.MqttError(f"the broker does not let us subscribe to {topic}")

    async def _join(self, client: aiomqtt.Client, topics: list[str], link: LinkHandler | None) -> None:
        try:
            await self._subscribe(client, topics)
        except aiomqtt.MqttError as error:
            log.warning("broker subscription failed", broker=self._settings.broker, reason=str(error))
            return
        if link is not None and self._client is client:
            link(True, "")

    def _dispatch(self, message: aiomqtt.Message) -> None:
        payload = message.payload
        if message.retain or not isinstance(payload, bytes):
            return  # a retained message tells of the past: nothing a lane should act on
        for handler in self._handlers.get(message.topic.value, ()):
            try:
                handler(payload)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                log.warning("message not understood", topic=message.topic.value, reason=str(error))
            except Exception:  # one device's nonsense must not cut off its neighbours
                log.exception("message not understood", broker=self._settings.broker, topic=message.topic.value)
