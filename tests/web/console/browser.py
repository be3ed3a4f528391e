"""A browser without a screen that looks at every page it opens: what is wrong with one fails the test."""

from __future__ import annotations

import html
import re
from collections import Counter
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from taigan.lot.policy import Policy
from taigan.rights import Right, Role
from taigan.web.console.signing.accounts import Accounts
from web.house import LOT, QUICK, House

PASSWORD = "correct horse battery"
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
SHAPES = frozenset(["path", "rect", "circle", "line", "polyline", "polygon", "g", "text", "svg", "title", "use"])


class Page(HTMLParser):
    """A page taken apart: its text, its forms, and what is wrong with it."""

    def __init__(self, text: str, *, whole: bool = True) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.texts: list[str] = []
        self._quoted: list[str] = []  # of these, messages as they were sent
        self.forms: list[dict[str, Any]] = []
        self._pressed: list[dict[str, Any]] = []  # forms that a button of theirs sends elsewhere
        self.links: list[str] = []
        self.sources: list[str] = []
        self._open: list[str] = []
        self._ids: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._labels: set[str] = set()
        self._fields: list[tuple[str, dict[str, str | None]]] = []
        self._named: list[tuple[str, list[str]]] = []  # buttons, links, summaries, and what names them
        self._option: dict[str, Any] | None = None
        self.title = ""
        self.feed(text)
        self._end(whole)

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = dict(given)
        if "svg" not in self._open:
            self._seen[tag] += 1
        for name, value in given:
            if name.startswith("on") or name == "style":
                self.wrong.append(f"<{tag} {name}=…> is forbidden by the policy of the pages")
            if name == "id":
                self._ids[value or ""] += 1
        if tag == "style" or (tag == "script" and not attributes.get("src")):
            self.wrong.append(f"<{tag}> in the page")
        if tag not in VOID:
            self._open.append(tag)
        if tag == "form":
            self.forms.append({"action": attributes.get("action"), "method": attributes.get("method"), "fields": {}})
        elif tag == "a":
            self.links.append(attributes.get("href") or "")
        elif tag in ("img", "script", "link", "live-part", "live-parts"):
            self.sources.append(attributes.get("src") or attributes.get("href") or "")
        elif tag == "label":
            self._labels.add(attributes.get("for") or "")
        if tag == "img" and attributes.get("alt") is None:
            self.wrong.append("an image without alt")
        if tag == "img" and self._named and self._named[-1][0] in self._open and attributes.get("alt"):
            self._named[-1][1].append(str(attributes["alt"]))
        if tag == "th" and not attributes.get("scope"):
            self.wrong.append("a heading of a table without scope")
        if tag == "button" and "formaction" in attributes and "form" in self._open:
            form = {**self.forms[-1], "action": attributes["formaction"], "pressed": {}}
            if name := attributes.get("name"):
                form["pressed"][name] = attributes.get("value") or ""
            self._pressed.append(form)
        if tag in ("button", "a", "summary"):
            label = attributes.get("aria-label")
            self._named.append((tag, [label] if label else []))
        if tag in ("input", "select", "textarea"):
            self._field(tag, attributes)
        if tag == "option" and self.forms and self._option is not None and "selected" in attributes:
            self._option["value"] = attributes.get("value") or ""

    def _field(self, tag: str, attributes: dict[str, str | None]) -> None:
        kind = attributes.get("type") or "text"
        if tag != "input" or kind not in ("hidden", "submit"):
            self._fields.append((tag, attributes))
        if self.forms and "form" in self._open and (name := attributes.get("name")):
            unchecked = kind in ("checkbox", "radio") and "checked" not in attributes
            if not unchecked:
                self.forms[-1]["fields"][name] = attributes.get("value") or ""
            self._option = {"form": self.forms[-1], "name": name, "value": None} if tag == "select" else None

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.wrong.append(f"</{tag}> where <{self._open[-1] if self._open else 'nothing'}> is open")
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "select" and self._option is not None and self._option["value"] is not None:
            self._option["form"]["fields"][self._option["name"]] = self._option["value"]

    def handle_data(self, data: str) -> None:
        if "title" in self._open and "svg" not in self._open:
            self.title += data
        if data.strip():
            self.texts.append(data.strip())
            if "pre" in self._open:
                self._quoted.append(data.strip())
            if self._named and self._named[-1][0] in self._open:
                self._named[-1][1].append(data.strip())

    def _end(self, whole: bool) -> None:
        self.wrong += [f"<{tag}> is never closed" for tag in self._open]
        self.wrong += [f"the id {name!r} is there {times} times" for name, times in self._ids.items() if times > 1]
        for tag, attributes in self._fields:
            labelled = attributes.get("aria-label") or (attributes.get("id") in self._labels)
            if not labelled:
                self.wrong.append(f"{tag} {attributes.get('name')} without a label")
        for tag, words in self._named:
            if not "".join(words).strip():
                self.wrong.append(f"a {tag} without a name")
        self.forms += self._pressed
        for form in self.forms:
            if form["method"] not in ("get", "post") or not (form["action"] or "").startswith("/"):
                self.wrong.append(f"a form that goes to {form['action']!r} by {form['method']!r}")
            if form["method"] == "post" and not form["fields"].get("token"):
                self.wrong.append(f"the form to {form['action']} holds no token")
        for text in set(self.texts).difference(self._quoted):
            if re.search(r"\{[{%]|[%}]\}|&(amp|lt|gt|quot|#\d+);|\bNone\b|<[a-z]+ [a-z]+=|object at 0x", text):
                self.wrong.append(f"stray signs: {text[:80]!r}")
        if whole:
            self._end_of_page()

    def _end_of_page(self) -> None:
        for tag in ("title", "h1", "main"):
            if self._seen[tag] != 1:
                self.wrong.append(f"{self._seen[tag]} times <{tag}>")
        if not self.title.partition("·")[0].strip():
            self.wrong.append("no title")

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def form(self, action: str) -> dict[str, str]:
        """The fields of the form that is posted there, or asks there, as they stand."""
        for form in sorted(self.forms, key=lambda form: form["method"] != "post"):
            if urlsplit(form["action"]).path == action:
                return {**form["fields"], **form.get("pressed", {})}
        raise AssertionError(f"no form goes to {action}; there are {[form['action'] for form in self.forms]}")

    def offers(self, action: str) -> bool:
        """Whether a form goes there."""
        return any(urlsplit(form["action"]).path == action for form in self.forms)


@lru_cache(maxsize=256)
def taken_apart(text: str, whole: bool) -> Page:
    """A third of what tests open are refusals that say the same: they are looked at once."""
    return Page(text, whole=whole)


class Answer:
    """What a request was answered with; a page that was taken apart and found to be whole."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self.raw = answer.text
        self.url = str(answer.url)
        self.whole = self.raw.lstrip().startswith("<!doctype")
        is_page = answer.headers.get("content-type", "").startswith("text/html") and self.raw
        self.page = taken_apart(self.raw, self.whole) if is_page else None
        if self.page is not None and self.page.wrong:
            raise AssertionError(f"{self.url}: " + "; ".join(self.page.wrong))
        if self.page is not None:
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"

    @property
    def text(self) -> str:
        assert self.page is not None, f"{self.url} is no page: {self.status} {self.raw[:200]}"
        return self.page.text

    @property
    def location(self) -> str:
        return html.unescape(self.headers.get("location", ""))


class Browser:
    """Somebody's browser. Redirects are followed by hand (`follow`), so that a test sees each step."""

    def __init__(self, house: House, *, language: str = "zh-CN", https: bool = False) -> None:
        app: Any = house.app
        self.house = house
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="https://lot" if https else "http://lot",
            headers={"accept-language": language},
        )
        self.last: Answer | None = None

    async def open(self, path: str, *, part: bool = False, **headers: str) -> Answer:
        sent = {"x-part": "1", **headers} if part else headers
        self.last = Answer(await self.client.get(path, headers=sent))
        return self.last

    async def see(self, path: str) -> Answer:
        """A page that must be there."""
        answer = await self.open(path)
        assert answer.status == 200, (path, answer.status, answer.location, answer.page and answer.text[:300])
        return answer

    async def post(self, path: str, /, **fields: str) -> Answer:
        """Send fields as they are, without a form's."""
        return Answer(await self.client.post(path, data=fields))

    async def send(self, path: str, to: str, /, **typed: str) -> Answer:
        """Open a page, and send the form on it that goes to `to`, with what was typed."""
        page = (await self.see(path)).page
        assert page is not None
        return await self.post(to, **{**page.form(to), **typed})

    async def follow(self, answer: Answer) -> Answer:
        """The page that a post led to."""
        assert answer.status == 303, (answer.status, answer.page and answer.text[:400])
        return await self.see(answer.location)

    async def token(self) -> str:
        """A token that forms of this browser hold now."""
        page = (await self.see("/account")).page
        assert page is not None
        return page.form("/account/password")["token"]

    async def close(self) -> None:
        await self.client.aclose()


def accounts_of(house: House) -> Accounts:
    return Accounts(house.database, house.clock, Policy(), QUICK)


async def person(
    house: House,
    *roles: Role,
    lots: tuple[str, ...] = (LOT,),
    login: str = "wangfang",
    name: str = "王芳",
    **browser: Any,
) -> Browser:
    """Somebody with these roles in these lots (none: in all), signed in."""
    accounts = accounts_of(house)
    await accounts.create(login, name, PASSWORD, by="test", must_change=False)
    for role in roles:
        await accounts.give(login, role, lots, by="test")
    return await signed_in(house, login, **browser)


async def signed_in(house: House, login: str = "wangfang", **browser: Any) -> Browser:
    """Another browser of somebody who has an account."""
    opened = Browser(house, **browser)
    answer = await opened.send("/sign-in", "/sign-in", login=login, password=PASSWORD)
    assert answer.status == 303, answer.text
    return opened


def role_without(right: Right) -> Role:
    """A role that sees the lot and lacks that right."""
    for role in Role:
        if Right.LOT_SEE in role.rights and right not in role.rights:
            return role
    raise AssertionError(f"every role has {right}")


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
