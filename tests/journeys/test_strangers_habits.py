"""What other people's BoLink clients do, byte for byte over a connection, at the lot platform's own door."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any
from urllib.parse import urlsplit

from support.stacks.stack import Stack, eventually
from taigan.bolink import seal, sign


async def posted(url: str, body: bytes, *headers: str) -> tuple[int, dict[str, Any]]:
    """The bytes as they are, on a connection of their own."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}", *headers]
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
    answer = await reader.read()
    writer.close()
    head, _, said = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(said)


def text_of(stack: Stack, car_number: str, **changes: Any) -> bytes:
    message = json.loads(stack.message("A1", car_number))["data"]
    return json.dumps(message | changes, ensure_ascii=False, separators=(",", ":")).encode()


async def test_the_lot_takes_what_strangers_mean_and_says_what_it_cannot(stack: Stack) -> None:
    url, key = stack.ready["lot"]["callback_url"], stack.ready["lots"][0]["key"]
    nobody_there = "未检测到车辆"

    status, said = await posted(url, b"\xef\xbb\xbf" + stack.message("A1", "BOM0001"))
    assert (status, said["state"], said["car_number"]) == (200, 0, "BOM0001")
    assert nobody_there in said["errmsg"]

    union_id = int(stack.ready["lots"][0]["union_id"])
    doubles = text_of(stack, "DBL0001").replace(f'"union_id":{union_id}'.encode(), f'"union_id":{union_id}.0'.encode())
    assert f"{union_id}.0".encode() in doubles
    status, said = await posted(url, seal(doubles, key))
    assert (status, nobody_there in said["errmsg"]) == (200, True)

    packed = gzip.compress(stack.message("A1", "GZP0001"))
    status, said = await posted(url, packed, "Content-Encoding: gzip")
    assert (status, said["state"]) == (415, 0)
    assert "压缩" in said["errmsg"]

    sorted_text = json.dumps(json.loads(text_of(stack, "SRT0001")), sort_keys=True, separators=(",", ":")).encode()
    wrong = b'{"data":' + text_of(stack, "SRT0001") + b',"sign":"' + sign(sorted_text, key).encode() + b'"}'
    status, said = await posted(url, wrong)
    assert (status, said["state"], said["car_number"]) == (401, 0, "SRT0001")

    async def kept() -> list[dict[str, Any]]:
        listed = await stack.lot.get(f"{stack.lot_path}/messages", outcome="refused", about="SRT0001")
        return list(listed["items"])

    [refused] = await eventually(kept)
    chinese, english = refused["note"].split("\n")
    assert ("排序" in chinese, "sorted" in english) == (True, True)
    assert key not in json.dumps(refused)
    assert sign(text_of(stack, "SRT0001"), key) not in json.dumps(refused)
