"""The operator's console over the rows of a year, beside a Django admin over the same rows; and in a real Chromium.

    .venv/bin/python -m benchmarks.console [rows] [browser] [--stays 1000000] [--closed 5000000] [--lanes 1000]
                                           [--events 300] [--clicks 200] [--laps 5] [--minutes 60] [--keep]

A PostgreSQL of its own holds four lots: one with `--stays` stays (lists), one with `--closed` stays (reports), one of
`--lanes` lanes and one of forty. The console is `taigan lot` as shipped, Django runs under gunicorn with the same
database; the list asks both for the same things by turns, the other one stopped in its tracks meanwhile. One click
follows another on one kept connection; the time of a click ends with the answer's last byte.

In Chromium: the bytes of a first visit and of one with what the browser keeps; from the moment before a controller's
signed report is posted to the change of the lane's card and to the next frame; and forty lanes in which cars come and
go for `--minutes`: what the page, the browser and the server use, at the beginning and at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from aiohttp import web
from playwright.async_api import Browser, CDPSession, Page, async_playwright
from rich.console import Console

from benchmarks import scene, seeding
from benchmarks.contestants import Contestant, taigan
from benchmarks.ports import free_port
from benchmarks.postgres import Postgres
from benchmarks.side_by_side import RESULTS, spread, stage, told, where
from taigan.barriers.kinds.http import signature
from taigan.lot.people.looking import reporting
from taigan.lot.setup import LaneSetup, LotSetup
from taigan.storage.database import open_database
from taigan.storage.locked import facts
from taigan.storage.sums import stretches
from taigan.web.api.common import BY_TIME

DATABASE = "console"
LISTS, YEAR, MANY, FORTY = (scene.lot_id(park) for park in ("lists", "year", "many", "forty"))
PASSWORD = "correct horse battery"
SECRET = "a-secret-for-this-benchmark"
PAGE = 50
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
A_CAR_EVERY = 30.0
"""Seconds between two cars in each of the forty lanes: twice the busiest hour of an exit."""
WARM_UP = 10
AIMS = {"list p95 ms": 50, "first page kB": 60, "report s": 1}
WATCH = """(channel) => {
  const card = document.querySelector(`live-part[key="lane:${channel}"]`);
  const now = () => performance.timeOrigin + performance.now();
  window.seen = new Promise((done) => {
    const watching = new MutationObserver(() => {
      watching.disconnect();
      const changed = now();
      requestAnimationFrame(() => setTimeout(() => done([changed, now()])));
    });
    watching.observe(card, {childList: true});
  });
}"""


# The rows


def lots(lanes: int, controllers: int) -> list[LotSetup]:
    """The four lots. The controllers of the forty lanes listen at that port."""

    def lane(number: int) -> LaneSetup:
        exit_too = number % 2
        barrier = {
            "driver": "http",
            "serial": f"C{number}",
            "url": f"http://127.0.0.1:{controllers}/",
            "secret": SECRET,
        }
        return LaneSetup(
            channel_id=f"{'B' if exit_too else 'A'}{number // 2 + 1}",
            direction="exit" if exit_too else "entry",
            barrier={**barrier, "position": False},
        )

    half = lanes // 2
    return [
        seeding.lot("lists", ["A1"], ["B1"]),
        seeding.lot("year", ["A1"], ["B1"]),
        seeding.lot("many", [f"A{number}" for number in range(lanes - half)], [f"B{number}" for number in range(half)]),
        LotSetup(union_id=scene.UNION_ID, park_id="forty", spaces=1000, lanes=[lane(number) for number in range(40)]),
    ]


async def made_ready(url: str) -> dict[str, Any]:
    """What the platform works out beside its other work: the days of the year that are over, once for each day, and
    what plates are looked for by."""
    database, now, slowest, days = await open_database(url, unhurried=True), datetime.now(UTC), 0.0, 0
    try:
        lot = await database.write(lambda conn: facts.lock(conn, [YEAR])[YEAR])
        began = time.perf_counter()
        while True:
            lap = time.perf_counter()
            done = await reporting.sum_up(database, lot, now)
            if not done:
                break
            days += done
            slowest = max(slowest, (time.perf_counter() - lap) / done)
        summed = {"seconds": time.perf_counter() - began, "days": days, "slowest_round_seconds_a_day": slowest}
        began = time.perf_counter()
        while await database.write(lambda conn: stretches.go_on(conn, LISTS, now)):
            pass
        return {"days summed up": summed, "plates gathered": {"seconds": time.perf_counter() - began}}
    finally:
        await database.close()


# Clicks


class Person:
    """Somebody who is signed in and clicks."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, headers={"accept-language": "zh"})

    def sign_in(self, path: str, token: str, **fields: str) -> None:
        """Fill in the form there; `token` names the field that proves it is that form."""
        page = self._client.get(path)
        found = re.search(rf'name="{token}" value="([^"]+)"', page.text)
        assert found is not None, page.text[:500]
        answer = self._client.post(path, data={**fields, token: found[1]}, headers={"referer": str(page.url)})
        if answer.status_code not in (302, 303):
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")

    def click(self, path: str, holds: str = "") -> tuple[float, bytes]:
        """Open a page: seconds, and the page. `holds`: what must stand in it."""
        began = time.perf_counter()
        answer = self._client.get(path)
        took = time.perf_counter() - began
        if answer.status_code != 200 or holds not in answer.text:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
        return took, answer.content

    @property
    def cookies(self) -> list[dict[str, Any]]:
        """What a browser would have to hold."""
        url = str(self._client.base_url)
        return [{"name": one.name, "value": one.value, "url": url} for one in self._client.cookies.jar]


Address = Callable[[random.Random], str]


def addresses(stays: int) -> dict[str, dict[str, Address]]:
    """What is clicked, by what it is and at whom."""
    ours, usual = f"/lots/{LISTS}/stays?state=", "/admin/office/stay/"
    year = timedelta(days=360)

    def deep(chance: random.Random) -> str:
        return BY_TIME.write((datetime.now(UTC) - timedelta(days=2) - year * chance.random(), "x"))

    def signs(chance: random.Random) -> str:
        return "".join(chance.choices("0123456789ABCDEF", k=3))

    pages = max(stays // PAGE - 1, 1)
    return {
        "who is inside": {"taigan": lambda _: f"{ours}in", "django": lambda _: f"{usual}?state__exact=in"},
        "all stays": {"taigan": lambda _: ours, "django": lambda _: usual},
        "a page deep": {
            "taigan": lambda chance: f"{ours}&after={deep(chance)}",
            "django": lambda chance: f"{usual}?p={chance.randint(1, pages)}",
        },
        "three signs": {
            "taigan": lambda chance: f"{ours}&q={signs(chance)}",
            "django": lambda chance: f"{usual}?q={signs(chance)}",
        },
        "three signs that no plate has": {
            "taigan": lambda chance: f"{ours}&q=Z{signs(chance)[:1]}Q",
            "django": lambda chance: f"{usual}?q=Z{signs(chance)[:1]}Q",
        },
    }


def reports(first: str, last: str) -> dict[str, dict[str, Address]]:
    """The reports of a year: each of ours, and the one of the usual way."""
    ours = f"/lots/{YEAR}/reports?from={first}&to={last}&what="
    found: dict[str, dict[str, Address]] = {
        f"report {what}": {"taigan": lambda _, what=what: ours + what}  # type: ignore[misc]
        for what in ("traffic", "hours", "lengths", "lifts")
    }
    usual = f"/admin/income?from={first}&to={last}"
    return {"report income": {"taigan": lambda _: f"{ours}income", "django": lambda _: usual}, **found}


def by_turns(
    people: dict[str, Person],
    servers: dict[str, Contestant],
    clicked: dict[str, dict[str, Address]],
    laps: int,
    clicks: Callable[[str, str], int],
) -> dict[str, Any]:
    """Each kind of click at each of them in a random order, the others stopped: medians and p95 of each lap."""
    chance = random.Random(7)
    times: dict[str, dict[str, list[list[float]]]] = {what: {name: [] for name in at} for what, at in clicked.items()}
    running = ""
    for _ in range(laps):
        turns = [(what, name) for what, at in clicked.items() for name in at]
        chance.shuffle(turns)
        for what, name in turns:
            if name != running:
                for one in servers.values():
                    (one.go_on if one is servers[name] else one.pause)()
                running = name
            people[name].click(clicked[what][name](chance))
            count = clicks(what, name)
            times[what][name].append([people[name].click(clicked[what][name](chance))[0] for _ in range(count)])
    for one in servers.values():
        one.go_on()
    found: dict[str, Any] = {}
    for what, at in times.items():
        found[what] = {}
        for name, seen in at.items():
            every = [took * 1000 for lap in seen for took in lap]
            found[what][name] = {
                "clicks": len(every),
                "p50_ms": part(every, 0.5),
                "p95_ms": part(every, 0.95),
                "median_of_a_lap_ms": spread([part([took * 1000 for took in lap], 0.5) for lap in seen]),
            }
        if len(at) == 2:
            ours, usual = (found[what][name]["median_of_a_lap_ms"]["median"] for name in ("taigan", "django"))
            found[what]["django / taigan"] = usual / ours
    return found


def part(values: Sequence[float], of: float) -> float:
    """The value that so many are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * of))]


# The browser


@asynccontextmanager
async def chromium(person: Person) -> Any:
    """A browser that holds the person's cookies, and a page of it."""
    names = ("chromium-headless-shell", "chromium", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            await context.add_cookies(person.cookies)  # type: ignore[arg-type]
            yield browser, await context.new_page()
        finally:
            await browser.close()


async def weighed(page: Page, url: str, wanted: str) -> dict[str, Any]:
    """What a visit moves over the wire, heads included, at first and with what the browser has kept, and how long it
    takes until everything is there."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.clearBrowserCache")
    moved: list[float] = []
    session.on("Network.loadingFinished", lambda event: moved.append(event["encodedDataLength"]))
    found: dict[str, Any] = {}
    for visit in ("first", "again"):
        moved.clear()
        began = time.perf_counter()
        await page.goto(url, wait_until="load")
        await page.locator(wanted).first.wait_for()
        found[visit] = {"bytes": int(sum(moved)), "answers": len(moved), "seconds": time.perf_counter() - began}
    await session.detach()
    return found


async def obeys(request: web.Request) -> web.Response:
    """A controller's answer to whatever it is told."""
    await request.read()
    return web.json_response({"outcome": "accepted"})


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[None]:
    """Controllers that do as they are told."""
    app = web.Application()
    app.router.add_post("/", obeys)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


class Controllers:
    """The forty lanes' controllers: they report what their loops see."""

    def __init__(self, port: int, client: aiohttp.ClientSession) -> None:
        self._url = f"http://127.0.0.1:{port}/devices/http/"
        self._client = client
        self._lit: set[int] = set()
        self._said = 0

    async def turn(self, number: int) -> float:
        """A car comes onto the lane's loop, or the one on it goes; when the report left, in the clock of browsers."""
        self._lit ^= {number}
        self._said += 1
        serial = f"C{number}"
        body = json.dumps({"id": str(self._said), "boot": "1", "loop": number in self._lit}).encode()
        stamp = f"{time.time():.6f}"
        signed = signature(SECRET, f"{serial}.{stamp}", body)
        headers = {"X-Taigan-Timestamp": stamp, "X-Taigan-Signature": signed}
        began = time.time()
        async with self._client.post(self._url + serial, data=body, headers=headers) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{serial}: {answer.status} {await answer.text()}")
        return began


def channel(number: int) -> str:
    """The lane of a controller."""
    return f"{'B' if number % 2 else 'A'}{number // 2 + 1}"


async def repainted(page: Page, controllers: Controllers, events: int) -> dict[str, Any]:
    """From a report to the card's change and to the next frame, one report after the other, in the lanes in turn."""
    changed, framed = [], []
    for number in range(events + WARM_UP):
        lane = number % 40
        await page.evaluate(WATCH, channel(lane))
        began = await controllers.turn(lane) * 1000
        at = await page.evaluate("window.seen")
        if number >= WARM_UP:
            changed.append(at[0] - began)
            framed.append(at[1] - began)
    return {
        "events": events,
        "changed_p50_ms": part(changed, 0.5),
        "changed_p99_ms": part(changed, 0.99),
        "painted_p50_ms": part(framed, 0.5),
        "painted_p99_ms": part(framed, 0.99),
    }


async def alive(
    browser: Browser, page: Page, controllers: Controllers, lot: Contestant, minutes: float
) -> dict[str, Any]:
    """Cars come and go in forty lanes for so long: what everybody has used and holds, at the beginning and the end."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    whole = await browser.new_browser_cdp_session()
    began = time.monotonic()
    looks = [await look(session, whole, lot)]
    reports, pause = 0, A_CAR_EVERY / 2 / 40
    next_look = began + min(minutes * 60 / 10, 60)
    while time.monotonic() < began + minutes * 60:
        await controllers.turn(reports % 40)
        reports += 1
        await asyncio.sleep(max(0.0, began + reports * pause - time.monotonic()))
        if time.monotonic() >= next_look:
            looks.append(await look(session, whole, lot))
            next_look += min(minutes * 60 / 10, 60)
    looks.append(await look(session, whole, lot))
    took = time.monotonic() - began
    used = {name: (looks[-1][name] - looks[0][name]) / took for name in looks[0] if name.endswith("processor_seconds")}
    return {"minutes": took / 60, "reports": reports, "used_of_a_core": used, "looks": looks}


async def look(session: CDPSession, whole: CDPSession, lot: Contestant) -> dict[str, float]:
    """Seconds of processor time so far and megabytes now, of the page after its garbage is gone."""
    await session.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: one["value"] for one in (await session.send("Performance.getMetrics"))["metrics"]}
    processes = (await whole.send("SystemInfo.getProcessInfo"))["processInfo"]
    drawing = [one for one in processes if one["type"] == "renderer"]
    assert lot.process is not None
    return {
        "page_processor_seconds": metrics["TaskDuration"],
        "page_heap_mb": metrics["JSHeapUsedSize"] / 1e6,
        "page_nodes": metrics["Nodes"],
        "page_listeners": metrics["JSEventListeners"],
        "renderer_processor_seconds": sum(one["cpuTime"] for one in drawing),
        "renderer_resident_mb": sum(resident(one["id"]) for one in drawing),
        "browser_processor_seconds": sum(one["cpuTime"] for one in processes),
        "server_processor_seconds": lot.processor_seconds(),
        "server_resident_mb": resident(lot.process.pid),
    }


def resident(pid: int) -> float:
    """Megabytes in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def in_browser(person: Person, lot: Contestant, listen: int, events: int, minutes: float) -> dict[str, Any]:
    """What is measured in a real Chromium."""
    base = f"http://127.0.0.1:{lot.port}/lots/"
    found: dict[str, Any] = {}
    async with listening(listen), chromium(person) as (browser, page), aiohttp.ClientSession() as client:
        found["chromium"] = browser.version
        found["weight"] = {
            "forty lanes": await weighed(page, f"{base}{FORTY}", ".card"),
            "stays": await weighed(page, f"{base}{LISTS}/stays?state=", "table.rows"),
            "many lanes": await weighed(page, f"{base}{MANY}", ".card"),
        }
        controllers = Controllers(lot.port, client)
        async with page.expect_response("**/live"):
            await page.goto(f"{base}{FORTY}")
        found["repaint"] = await repainted(page, controllers, events)
        found["alive"] = await alive(browser, page, controllers, lot, minutes)
    return found


# The run


@contextmanager
def both(postgres: Postgres, folder: Path) -> Iterator[tuple[dict[str, Contestant], dict[str, Person]]]:
    """The console and the usual way over the same database, and somebody signed in at each."""
    ours = taigan("postgresql", postgres.url(DATABASE), folder, name="taigan", lots=0)
    environment = {
        "DJANGO_SETTINGS_MODULE": "benchmarks.usual.office.settings",
        "DATABASE_HOST": str(postgres.folder),
        "DATABASE_NAME": DATABASE,
        "LOT": LISTS,
        "YEAR": YEAR,
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    manage = [sys.executable, "-m", "django"]
    config = ours.command[ours.command.index("--config") + 1]
    (folder / "password").write_text(PASSWORD)
    person = ["person", "create", "wangfang", "--name", "王芳", "--role", "manager", "--keep-password"]
    for command in (
        [*manage, "migrate", "-v", "0"],
        [*manage, "createsuperuser", "--noinput", "--username", "wangfang", "--email", "w@example.com"],
        [sys.executable, "-m", "taigan", *person, "--password-file", folder / "password", "--config", config],
    ):
        subprocess.run(command, check=True, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    port = free_port()
    gunicorn = [sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()"]
    options = [
        "-b",
        f"127.0.0.1:{port}",
        "--worker-class",
        "gthread",
        "--threads",
        "4",
        "--keep-alive",
        "75",
        "--preload",
    ]
    usual = Contestant(
        "django", [*gunicorn, *options, "--no-control-socket", "--timeout", "300"], environment, port, street=""
    )
    servers = {"django": usual, "taigan": ours}
    people = {}
    try:
        for one in servers.values():  # who is let go on as soon as he was stopped may not hear it
            one.start(folder)
        for name, one in servers.items():
            one.go_on()
            people[name] = Person(one.port)
        people["taigan"].sign_in("/sign-in", "token", login="wangfang", password=PASSWORD)
        people["django"].sign_in("/admin/login/", "csrfmiddlewaretoken", username="wangfang", password=PASSWORD)
        yield servers, people
    finally:
        for one in servers.values():
            one.stop()


def filled(given: argparse.Namespace, postgres: Postgres, controllers: int, stays: int, closed: int) -> float:
    """Lots and rows in a database of their own; in how many seconds."""
    postgres.run("createdb", DATABASE)
    asyncio.run(seeding.seeded(postgres.url(DATABASE), lots(given.lanes, controllers)))
    began, inside = time.perf_counter(), min(2000, stays // 10)
    groups = [seeding.office_rows(LISTS, stays - inside, inside), seeding.office_rows(YEAR, closed, 0)]
    seeding.filled(postgres, DATABASE, groups)
    return time.perf_counter() - began


def of_rows(given: argparse.Namespace, folder: Path, postgres: Postgres) -> dict[str, Any]:
    """Lists and reports over many rows, beside the usual way."""
    found: dict[str, Any] = {"rows": {"stays": given.stays, "closed": given.closed}}
    found["filled_seconds"] = filled(given, postgres, free_port(), given.stays, given.closed)
    say("rows", found)
    found |= asyncio.run(made_ready(postgres.url(DATABASE)))
    say("made ready", {name: found[name] for name in ("days summed up", "plates gathered")})
    with both(postgres, folder) as (servers, people):
        today = datetime.now(UTC).date()
        days = (today - timedelta(days=364)).isoformat(), today.isoformat()
        each = max(1, given.clicks // given.laps)
        few = max(1, each // 4)
        slow = {"three signs", "three signs that no plate has"}
        found["lists"] = by_turns(
            people, servers, addresses(given.stays), given.laps, lambda what, name: few if what in slow else each
        )
        say("lists", found["lists"])
        found["reports"] = by_turns(people, servers, reports(*days), given.laps, lambda what, name: few)
        say("reports", found["reports"])
    return found


def of_browser(given: argparse.Namespace, folder: Path, postgres: Postgres) -> dict[str, Any]:
    """The pages that are alive, in a lot of a small history."""
    found: dict[str, Any] = {"rows": {"lanes": given.lanes}}
    controllers = free_port()
    filled(given, postgres, controllers, 10_000, 10)
    with both(postgres, folder) as (servers, people):
        lot, paths = servers["taigan"], {"many lanes": f"/lots/{MANY}", "all stays": f"/lots/{LISTS}/stays?state="}
        lot.next_cars()
        few = max(1, given.clicks // given.laps // 4)
        many: dict[str, dict[str, Address]] = {"many lanes": {"taigan": lambda _: paths["many lanes"]}}
        found["many lanes"] = by_turns(people, servers, many, given.laps, lambda what, name: few)["many lanes"]
        for name, path in paths.items():
            page = people["taigan"].click(path)[1]
            found.setdefault("page", {})[name] = {"bytes": len(page), "gzip": len(gzip.compress(page, 6))}
        say("pages", found)
        found["browser"] = asyncio.run(in_browser(people["taigan"], lot, controllers, given.events, given.minutes))
    return found


PARTS = {"rows": of_rows, "browser": of_browser}


def say(what: str, found: Any) -> None:
    """What is known so far."""
    print(what, json.dumps(found, ensure_ascii=False), flush=True)


def table(found: dict[str, Any]) -> Iterator[str]:
    """What came out, in words."""
    for what, at in {**found.get("lists", {}), **found.get("reports", {}), **picked(found, "many lanes")}.items():
        ratio = f"  django / taigan {at['django / taigan']:.1f}" if "django / taigan" in at else ""
        for name in ("taigan", "django"):
            if name in at:
                one = at[name]["median_of_a_lap_ms"]
                yield (
                    f"{what:30} {name:7} p50 {at[name]['p50_ms']:8.1f} ms  p95 {at[name]['p95_ms']:8.1f} ms  laps "
                    f"{one['median']:.1f} ({one['least']:.1f} – {one['most']:.1f}) ms{ratio}"
                )
    for name, page in found.get("page", {}).items():
        yield f"{name}: the page has {page['bytes'] / 1000:.1f} kB, {page['gzip'] / 1000:.1f} kB packed"
    if "browser" not in found:
        return
    shown = found["browser"]
    for name, visits in shown["weight"].items():
        for visit, one in visits.items():
            yield f"{name}, {visit}: {one['bytes'] / 1000:.1f} kB in {one['answers']} answers, {one['seconds']:.2f} s"
    repaint = shown["repaint"]
    yield (
        f"report to card changed p50 {repaint['changed_p50_ms']:.0f} ms p99 {repaint['changed_p99_ms']:.0f} ms, "
        f"painted p50 {repaint['painted_p50_ms']:.0f} ms p99 {repaint['painted_p99_ms']:.0f} ms"
    )
    living = shown["alive"]
    yield f"forty lanes for {living['minutes']:.1f} min, {living['reports']} reports; of a core: " + ", ".join(
        f"{name.partition('_')[0]} {100 * used:.1f} %" for name, used in living["used_of_a_core"].items()
    )
    first, last = living["looks"][0], living["looks"][-1]
    yield "; ".join(
        f"{name} {first[name]:.1f} → {last[name]:.1f}" for name in first if not name.endswith("processor_seconds")
    )


def picked(found: dict[str, Any], name: str) -> dict[str, Any]:
    """That part alone, if it is there."""
    return {name: found[name]} if name in found else {}


def main() -> None:
    """Measure it, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help="rows, browser; both without one")
    parser.add_argument("--stays", type=int, default=1_000_000, help="in the lot whose list is read")
    parser.add_argument("--closed", type=int, default=5_000_000, help="in the lot of which reports tell")
    parser.add_argument("--lanes", type=int, default=1000, help="in the lot with many")
    parser.add_argument(
        "--clicks", type=int, default=200, help="for each kind of page; a quarter of it for searches and reports"
    )
    parser.add_argument("--laps", type=int, default=5)
    parser.add_argument("--events", type=int, default=300, help="from the report to the card")
    parser.add_argument("--minutes", type=float, default=60, help="that forty lanes are alive")
    parser.add_argument("--keep", action="store_true", help=f"keep it in {RESULTS / 'console.json'}")
    given = parser.parse_args()
    kept = RESULTS / "console.json"
    results = json.loads(kept.read_text("utf-8")) if given.keep and kept.exists() else {}
    for name in given.parts:
        place = where()
        with stage(Console(stderr=True)) as (folder, postgres, _):
            found = PARTS[name](given, folder, postgres)
        place["load_average_at_the_end"] = os.getloadavg()[0]
        results[name] = {"where": place, "found": found}
        print(told(place))
        for line in table(found):
            print(line)
        if given.keep:
            kept.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
