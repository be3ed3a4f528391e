"""Every documented example is read by the struct it belongs to, or the reason it can't be is written beside it.

A fixture is named after its section and side; `<name>.unreadable.txt` beside it is the reason. An example that is a
bare message, without the envelope, is read as it stands.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from support.spec import sections
from taigan.bolink import BadMessage, by_section, open_envelope, read
from taigan.bolink.chapters.callbacks import AutoPayNotice, PriceQuery, RefundResult
from taigan.bolink.chapters.lots import OnboardingPage
from taigan.bolink.chapters.no_plate import LicencePage, with_licence
from taigan.bolink.chapters.trade import GetSplitContract, GiveChange

FOLDER = Path(__file__).parent / "fixtures"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.json") if path.name != "1.2.request.json")
READABLE = [name for name in EXAMPLES if not (FOLDER / name.replace(".json", ".unreadable.txt")).exists()]
UNREADABLE = [name for name in EXAMPLES if name not in READABLE]


def read_example(name: str) -> object:
    """The message in a documented example. Raises BadMessage."""
    section, _, side = name.removesuffix(".json").rpartition(".")
    interface, wire = by_section(section), (FOLDER / name).read_bytes()
    if side == "response":
        assert interface.answer is not None
        return read(wire, interface.answer)
    try:
        wrapped = "data" in msgspec.json.decode(wire)
    except msgspec.DecodeError:
        wrapped = True
    return interface.read_request(open_envelope(wire).text if wrapped else wire)


@pytest.mark.parametrize("name", READABLE)
def test_a_documented_example_is_read(name: str) -> None:
    assert read_example(name)


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_example_that_cannot_be_read_has_its_reason_beside_it(name: str) -> None:
    with pytest.raises(BadMessage):
        read_example(name)
    assert (FOLDER / name.replace(".json", ".unreadable.txt")).read_text().strip()


def test_every_example_of_the_document_is_a_fixture_byte_for_byte() -> None:
    rows = sections().values()
    documented = {
        (row.get(key) or row.get("sdk_counterpart", {}).get(key)).encode()
        for row in rows
        for key in ("example_request", "example_response", "example_request_fragment", "example_response_fragment")
        if row.get(key) or row.get("sdk_counterpart", {}).get(key)
    }
    kept = {path.read_bytes() for pattern in ("*.json", "*.url") for path in FOLDER.glob(pattern)}
    assert len(documented) > 50
    assert documented - kept <= {b'{"park_id":"1001","state":1}'}, "1.2's answer is no interface's"


def test_blanks_in_the_documents_examples_are_taken_off() -> None:
    price, notice = read_example("5.1.request.json"), read_example("5.2.request.json")
    assert isinstance(price, PriceQuery)
    assert (price.car_number, price.order_id) == ("京HP00G6", "10000")
    assert isinstance(notice, AutoPayNotice)
    assert (notice.union_id, notice.order_id, notice.car_number, notice.rand) == (
        109010,
        "1089922",
        "苏K55098",
        "0.99993232345436",
    )


def test_other_spellings_in_the_documents_examples_are_read() -> None:
    refund, contract, change = (read_example(f"{name}.request.json") for name in ("5.6", "3.5", "3.10"))
    assert isinstance(refund, RefundResult)
    assert refund.arrive_money == 0
    assert isinstance(contract, GetSplitContract)
    assert contract.percent == 10
    assert isinstance(change, GiveChange)
    assert change.timestamp == 1617937469


def test_the_onboarding_page_is_read_from_its_address() -> None:
    query = dict(parse_qsl(urlsplit((FOLDER / "2.4.request.url").read_text()).query))
    page = read(msgspec.json.encode(query), OnboardingPage)
    assert (page.park_id, page.union_id, page.timestamp) == ("park2020010921", "200279", 1584072630326)
    assert not page.signed_by("1232FDA8DCD1E3D7"), "the example's sign does not belong to the page's KEY"
    assert msgspec.structs.replace(page, timestamp=1584082770000, sign="0F1A106C865E84863EC862DD93FE1156").signed_by(
        "1232FDA8DCD1E3D7"
    )


def test_the_browser_comes_back_with_the_licence_as_documented() -> None:
    query = dict(parse_qsl(urlsplit((FOLDER / "7.request.url").read_text()).query))
    page = read(msgspec.json.encode(query), LicencePage)
    assert with_licence(page.redirect_url, "6F4C859") == (FOLDER / "7.response.url").read_text()


@pytest.mark.parametrize(
    ("redirect_url", "wanted"),
    [
        ("https://baidu.com", "https://baidu.com?licence=6F4C859"),
        ("https://baidu.com/p?", "https://baidu.com/p?licence=6F4C859"),
        ("https://baidu.com?a=1#part", "https://baidu.com?a=1&licence=6F4C859#part"),
    ],
)
def test_the_licence_is_the_last_parameter_of_the_query(redirect_url: str, wanted: str) -> None:
    assert with_licence(redirect_url, "6F4C859") == wanted
