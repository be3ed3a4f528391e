"""A phone's browser without scripts: keeps cookies, follows redirects, fills forms."""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin, urlsplit

from hub.sides import Side


class Phone:
    """One phone. `agent` is its browser's User-Agent."""

    WECHAT = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.49"

    def __init__(self, side: Side, agent: str = WECHAT, language: str = "") -> None:
        self._side = side
        self.agent = agent
        self.language = language
        self.cookies: dict[str, str] = {}
        self.at = side.url

    async def get(self, address: str) -> tuple[int, str]:
        return await self.fetch("GET", address)

    async def post(self, address: str, form: dict[str, str]) -> tuple[int, str]:
        return await self.fetch("POST", address, form)

    async def fetch(self, method: str, address: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """A page, wherever redirects lead."""
        url = urljoin(self.at, address)
        for _ in range(10):
            headers = {"User-Agent": self.agent, "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
            if self.language:
                headers["Accept-Language"] = self.language
            async with self._side.http.request(
                method, url, data=form, headers=headers, allow_redirects=False
            ) as answer:
                self.cookies |= {name: morsel.value for name, morsel in answer.cookies.items()}
                if answer.status not in (301, 302, 303, 307):
                    self.at = url
                    return answer.status, await answer.text()
                url = urljoin(url, answer.headers["Location"])
                assert urlsplit(url).netloc == urlsplit(self._side.url).netloc
                if answer.status != 307:
                    method, form = "GET", None
        raise AssertionError("too many redirects")

    async def arrive(self, code: str, **query: str) -> str:
        """Scan the code in the lane."""
        more = "".join(f"&{name}={value}" for name, value in query.items())
        status, page = await self.get(f"/unionapi/nolienceinpark?code={code}{more}")
        assert status == 200, page
        return page

    async def press(self, page: str, **typed: str) -> str:
        """Send the page's (last) form, and wait until the lot has answered."""
        action = html.unescape(re.findall(r'<form method="post" action="([^"]*)"', page)[-1])
        status, shown = await self.post(action, self.fields(page) | typed)
        assert status == 200, shown
        scan_id = urlsplit(self.at).path.rpartition("/")[2]
        await self._side.settled(scan_id)
        return await self.reload()

    async def reload(self) -> str:
        return (await self.get(self.at))[1]

    async def follow(self, page: str, part: str) -> str:
        """Press the link whose address has this in it."""
        [link] = [link for link in re.findall(r'<a[^>]*href="([^"]*)"', page) if part in link]
        return (await self.get(html.unescape(link)))[1]

    @staticmethod
    def fields(page: str) -> dict[str, str]:
        """What the last form of a page sends by itself."""
        form = page.rpartition("<form")[2]
        fields = {}
        for tag in re.findall(r"<input[^>]*>", form):
            named = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            fields[named["name"]] = html.unescape(named.get("value", ""))
        return fields
