"""Sends again what a case sent, to see it in a debugger."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import aiohttp

from taigan.conformance.plan import check_address
from taigan.conformance.report.files import Request, read_case

WITHIN = 30.0
LONGEST = 2000


async def replay_case(folder: Path, case_id: str) -> list[str]:
    """The answers, a line each; messages that were sent at once are so again. Raises BadConfiguration."""
    lines = []
    sent = read_case(folder, case_id)
    for request, _ in sent:
        check_address("url", request.url)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        for group, together in itertools.groupby(sent, key=lambda each: each[0].group or -each[0].number):
            answers = await asyncio.gather(*(_again(session, *each) for each in together))
            lines += answers if group > 0 else answers[:1]
    return lines


async def _again(session: aiohttp.ClientSession, request: Request, body: bytes) -> str:
    try:
        async with session.post(
            request.url,
            data=body,
            headers=request.headers,
            timeout=aiohttp.ClientTimeout(WITHIN),
            allow_redirects=False,
        ) as answer:
            text = (await answer.content.read(LONGEST)).decode("utf-8", "replace")
            return f"{request.body} ({len(body)} bytes): HTTP {answer.status} {text}"
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return f"{request.body}: {type(error).__name__} {error}"
