"""Signs are read by a decoder as phones do: rendered, made smaller, and dirtied."""

from __future__ import annotations

import io
import math
import random
from xml.etree import ElementTree

import httpx
import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageFilter
from playwright.async_api import Browser
from pyzbar.pyzbar import ZBarSymbol, decode

from taigan.storage.tables import lanes
from taigan.web.posters import Format, Sign, Size, poster
from web.house import LOT, House

URL = "https://beta.bolink.club/unionapi/nolienceinpark?code=AbCdEfGhIjKlMnOp"
SIGN = Sign(URL, "东门停车场", "A1", "王师傅 0571-88888888")


def read(image: Image.Image) -> list[str]:
    return [found.data.decode() for found in decode(image, symbols=[ZBarSymbol.QRCODE])]


async def rendered(browser: Browser, form: Format, size: Size) -> Image.Image:
    """The sign as pixels, by somebody else's renderer where we only gave shapes."""
    drawn = poster(SIGN, size, form)
    if form is Format.PDF:
        with pypdfium2.PdfDocument(drawn) as document:
            assert len(document) == 1
            return document[0].render(scale=1000 / document[0].get_width()).to_pil().convert("RGB")
    if form is Format.SVG:
        page = await browser.new_page(viewport={"width": 1080, "height": 1920})
        await page.set_content(f"<style>body{{margin:0}}svg{{width:100vw;height:auto}}</style>{drawn.decode()}")
        shot = await page.screenshot(full_page=True)
        await page.close()
        return Image.open(io.BytesIO(shot)).convert("RGB")
    return Image.open(io.BytesIO(drawn)).convert("RGB")


def dirtied(image: Image.Image, seed: int) -> Image.Image:
    """Mud on the code, but not on the three corners that every decoder needs; a blurred camera, a tilt, dim light."""
    chance = random.Random(seed)
    dirty = image.copy()
    draw = ImageDraw.Draw(dirty)
    millimetre = dirty.width / 210
    corners = [(56, 86), (154, 86), (56, 184)]
    for _ in range(30):
        x, y, r = chance.uniform(40, 170), chance.uniform(70, 200), chance.uniform(1, 4)
        if all(math.dist((x, y), corner) > 20 + r for corner in corners):
            spot = tuple(place * millimetre for place in (x - r, y - r, x + r, y + r))
            draw.ellipse(spot, fill=chance.choice([(92, 70, 50), (235, 232, 220)]))
    dirty = dirty.rotate(chance.uniform(-6, 6), fillcolor=(128, 128, 128), resample=Image.Resampling.BICUBIC)
    return dirty.filter(ImageFilter.GaussianBlur(1.0)).point(lambda value: int(value * 0.6 + 20))


@pytest.mark.parametrize("size", Size)
@pytest.mark.parametrize("form", Format)
async def test_the_code_is_read_from_every_form_at_every_size(browser: Browser, form: Format, size: Size) -> None:
    image = await rendered(browser, form, size)
    for width in (1000, 500, 360):
        scaled = image.resize((width, image.height * width // image.width), Image.Resampling.LANCZOS)
        assert read(scaled) == [URL], width


async def test_the_code_is_read_from_a_dirty_sign(browser: Browser) -> None:
    image = await rendered(browser, Format.SVG, Size.A4)
    small = image.resize((900, image.height * 900 // image.width), Image.Resampling.LANCZOS)
    for seed in range(10):
        assert read(dirtied(small, seed)) == [URL], seed


def test_a_patch_of_an_eighth_of_the_code_may_be_torn_off() -> None:
    image = Image.open(io.BytesIO(poster(SIGN, Size.SCREEN, Format.PNG))).convert("RGB")
    ImageDraw.Draw(image).rectangle((400, 800, 690, 1090), fill=(255, 255, 255))
    assert read(image) == [URL]


def test_a_name_that_is_long_or_has_rare_signs_and_markup_still_makes_a_sign() -> None:
    sign = Sign(URL, '<东门 & "西门">𠮷' * 12, "地下二层东南角入口", "")
    for size in Size:
        root = ElementTree.fromstring(poster(sign, size, Format.SVG))
        assert root.find("{http://www.w3.org/2000/svg}title") is not None
        assert poster(sign, size, Format.PDF).startswith(b"%PDF")
        assert read(Image.open(io.BytesIO(poster(sign, size, Format.PNG))).convert("RGB")) == [URL]


def test_a_screen_sign_has_the_pixels_of_a_lane_screen_and_paper_those_of_a_printer() -> None:
    assert Image.open(io.BytesIO(poster(SIGN, Size.SCREEN, Format.PNG))).size == (1080, 1920)
    assert Image.open(io.BytesIO(poster(SIGN, Size.A4, Format.PNG))).size == (2480, 3508)


async def give_code(house: House, channel_id: str) -> None:
    await house.write(
        lanes.update().where(lanes.c.lot_id == LOT, lanes.c.channel_id == channel_id).values(entry_url=URL)
    )


async def test_the_api_hands_out_the_sign_as_asked(small_house: House, small_api: httpx.AsyncClient) -> None:
    await give_code(small_house, "A1")
    address = f"/api/v1/lots/{LOT}/lanes/A1/poster"
    for query, accept, wanted in (
        ("", "*/*", "image/svg+xml"),
        ("?format=png&size=screen", "*/*", "image/png"),
        ("?size=screen", "text/html, image/png;q=0.9", "image/png"),
        ("?format=pdf", "image/png", "application/pdf"),
    ):
        answer = await small_api.get(address + query, headers={"accept": accept})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(wanted)
        assert "Accept".lower() in answer.headers["vary"].lower()


async def test_a_lane_with_an_odd_name_has_a_sign_too(small_house: House, small_api: httpx.AsyncClient) -> None:
    await give_code(small_house, "东门/一号 50%")
    path = httpx.URL(f"/api/v1/lots/{LOT}/lanes/%E4%B8%9C%E9%97%A8%2F%E4%B8%80%E5%8F%B7%2050%25/poster?format=png")
    answer = await small_api.get(path)
    assert answer.status_code == 200
    assert read(Image.open(io.BytesIO(answer.content)).convert("RGB")) == [URL]


async def test_a_lane_without_a_code_has_no_sign(small_api: httpx.AsyncClient) -> None:
    answer = await small_api.get(f"/api/v1/lots/{LOT}/lanes/A1/poster")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "no_code"


async def test_unknown_lanes_and_formats_are_named(small_api: httpx.AsyncClient) -> None:
    assert (await small_api.get(f"/api/v1/lots/{LOT}/lanes/Z9/poster")).status_code == 404
    answer = await small_api.get(f"/api/v1/lots/{LOT}/lanes/A1/poster?format=gif")
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "format"
