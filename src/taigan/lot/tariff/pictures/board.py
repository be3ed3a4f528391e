"""公示牌: the public price board, a page to print, made from the data."""

from __future__ import annotations

from html import escape

from taigan.lot.tariff.model import PriceList, Rate
from taigan.lot.tariff.pictures import words
from taigan.lot.tariff.pictures.words import Said

_STYLE = """
@page{size:A4;margin:14mm}
*{box-sizing:border-box}
body{margin:0 auto;max-width:186mm;padding:6mm 0;color:#111;background:#fff;
font:11pt/1.45 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
@media screen and (max-width:200mm){body{padding:6mm 4mm}}
header{border:3px solid #0b4f8a;border-radius:4mm;background:#0b63b0;color:#fff;padding:6mm 8mm;text-align:center;
-webkit-print-color-adjust:exact;print-color-adjust:exact}
h1{margin:0;font-size:27pt;letter-spacing:.12em}
header p{margin:1mm 0 0;font-size:13pt}
.lot{font-size:15pt;font-weight:600}
section{margin:7mm 0;break-inside:avoid}
h2{margin:0 0 2mm;font-size:15pt;border-bottom:2px solid #0b63b0;padding-bottom:1mm}
table{border-collapse:collapse;width:100%}
th,td{border:1px solid #9aa5b1;padding:2mm 3mm;text-align:left;vertical-align:top}
th{background:#eef2f6;-webkit-print-color-adjust:exact;print-color-adjust:exact}
td p{margin:0 0 1mm}
.zh{font-size:13.5pt}
td .zh{font-size:17pt}
.en{display:block;color:#44505c;font-size:9.5pt}
ul{margin:3mm 0 0;padding-left:5mm}
li{margin-bottom:1.2mm}
@media print{body{display:flex;flex-direction:column;min-height:268mm;padding:0}footer{margin-top:auto}}
footer{border-top:2px solid #0b63b0;padding-top:2mm;display:flex;justify-content:space-between}
"""


def board(price_list: PriceList, lot: str = "") -> str:
    """An HTML page for A4, Chinese with English beneath, that needs nothing else. `lot` is the lot's name."""
    rates = "".join(_rate(price_list, rate, alone=len(price_list.rates) == 1) for rate in price_list.rates)
    since = price_list.valid_from
    from_when = Said(f"自{since.year}年{since.month}月{since.day}日起执行", f"In force from {since}")
    name = f'<p class="lot">{escape(lot)}</p>' if lot else ""
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>停车收费公示牌</title>'
        f"<style>{_STYLE}</style></head><body><header><h1>停车收费公示牌</h1>"
        f'<p lang="en">Parking charges</p>{name}</header>{rates}'
        f"<footer><span>{_both(from_when)}</span>"
        f"<span>{_both(Said('价格监督电话：12315', 'Price complaints: 12315'))}</span></footer></body></html>\n"
    )


def _both(said: Said) -> str:
    return f'<span class="zh">{escape(said.zh)}</span><span class="en" lang="en">{escape(said.en)}</span>'


def _rate(price_list: PriceList, rate: Rate, *, alone: bool) -> str:
    who = Said("各类车辆", "all vehicles") if alone and not rate.vehicles else words.vehicles(rate)
    capped = any(section.cap is not None for section in rate.sections)
    heads = [Said("时段", "Time"), Said("收费标准", "Charge"), *([Said("时段封顶", "At most")] if capped else [])]
    rows = []
    for section in rate.sections:
        cells = [
            _both(words.times(section)),
            "".join(f"<p>{_both(line)}</p>" for line in words.charges(rate, section)),
            *([_both(words.cap(section)) if section.cap is not None else "—"] if capped else []),
        ]
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    rules = "".join(f"<li>{_both(rule)}</li>" for rule in words.rules(price_list, rate))
    return (
        f'<section><h2>{escape(who.zh)} <small lang="en">{escape(who.en)}</small></h2><table><thead><tr>'
        f"{''.join(f'<th>{_both(head)}</th>' for head in heads)}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"<ul>{rules}</ul></section>"
    )
