"""The usual mistakes in a signature, in words."""

# ruff: noqa: E501 - a table, one line per entry

from __future__ import annotations

import enum


class Mistake(enum.StrEnum):
    """One thing that was done otherwise than section 1.2 says. Several may come together."""

    KEYS_SORTED = "keys_sorted"
    PAIRS = "pairs"
    PAIRS_WITH_EMPTY = "pairs_with_empty"
    PAIRS_JOINED = "pairs_joined"
    VALUES_ONLY = "values_only"
    MAP_PRINTED = "map_printed"
    BLANKS = "blanks"
    INDENTED = "indented"
    COMPACTED = "compacted"
    ESCAPED = "escaped"
    UNESCAPED = "unescaped"
    SLASHES = "slashes"
    HTML_ESCAPED = "html_escaped"
    GBK = "gbk"
    UTF16 = "utf16"
    BYTE_ORDER_MARK = "byte_order_mark"
    LINE_END = "line_end"
    QUOTED = "quoted"
    WHOLE_BODY = "whole_body"
    BODY_PAIRS = "body_pairs"
    BASE64_TEXT = "base64_text"
    URL_ENCODED = "url_encoded"
    NUMBERS_AS_TEXT = "numbers_as_text"
    NUMBERS_REWRITTEN = "numbers_rewritten"
    EMPTY_LEFT_OUT = "empty_left_out"
    FIELD_UNSIGNED = "field_unsigned"
    TEXT_LEFT_OUT = "text_left_out"

    AMPERSAND = "ampersand"
    NO_KEY_NAME = "no_key_name"
    KEY_FIRST = "key_first"
    KEY_BOTH_ENDS = "key_both_ends"
    KEY_NAME = "key_name"
    NO_KEY = "no_key"

    OTHER_KEY = "other_key"
    KEY_CASE = "key_case"
    KEY_BLANKS = "key_blanks"

    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"
    HMAC_MD5 = "hmac_md5"
    HMAC_SHA1 = "hmac_sha1"
    HMAC_SHA256 = "hmac_sha256"
    TWICE = "twice"
    SHORT = "short"
    BASE64 = "base64"
    CUT = "cut"


CHINESE: dict[Mistake, str] = {
    Mistake.KEYS_SORTED: "签的是按键名排序后的 data，发出的没有排序；应签发出的原文",
    Mistake.PAIRS: "签的是排序后用 & 连接的 k=v（旧协议和别家的做法）；应签 data 的 JSON 原文",
    Mistake.PAIRS_WITH_EMPTY: "签的是排序后用 & 连接的 k=v，空值也在内；应签 data 的 JSON 原文",
    Mistake.PAIRS_JOINED: "签的是排序后直接相连的键和值；应签 data 的 JSON 原文",
    Mistake.VALUES_ONLY: "签的只是各个值连在一起；应签 data 的 JSON 原文",
    Mistake.MAP_PRINTED: "签的是 Map 的 toString（{a=1, b=2}）；应签 data 的 JSON 原文",
    Mistake.BLANKS: "签的文字在逗号、冒号后有空格，发出的没有；应签发出的原文",
    Mistake.INDENTED: "签的是带缩进和换行的 JSON，发出的没有；应签发出的原文",
    Mistake.COMPACTED: "签的是去掉空格、转义的 data，发出的却有；应签发出的原文（8 KiB 以内有的平台也认）",
    Mistake.ESCAPED: "签的文字把中文写成 \\uXXXX，发出的没有；应签发出的原文",
    Mistake.UNESCAPED: "发出的文字把字符写成 \\uXXXX 或 \\/，签的没有；应签发出的原文",
    Mistake.SLASHES: "签的文字把 / 写成 \\/，发出的没有（PHP 的 json_encode）；应签发出的原文",
    Mistake.HTML_ESCAPED: "签的文字把 < > & = ' 写成 \\u003c 之类，发出的没有（Gson）；应签发出的原文",
    Mistake.GBK: "签名时中文按 GBK 编码；应按 UTF-8",
    Mistake.UTF16: "签名时文字按 UTF-16 编码；应按 UTF-8",
    Mistake.BYTE_ORDER_MARK: "签的文字前面有字节序标记（BOM）",
    Mistake.LINE_END: "签的文字末尾多一个换行",
    Mistake.QUOTED: "签的是带引号的字符串 data，含转义；应签字符串里面的内容",
    Mistake.WHOLE_BODY: "签的是整个报文；只签 data 的内容",
    Mistake.BODY_PAIRS: "签的是整个报文的 k=v；只签 data 的 JSON 原文",
    Mistake.BASE64_TEXT: "签的是 data 的 Base64；应签原文",
    Mistake.URL_ENCODED: "签的是 URL 编码后的 data；应签原文",
    Mistake.NUMBERS_AS_TEXT: "签的时候数字都是字符串，发出的是数字；应签发出的原文",
    Mistake.NUMBERS_REWRITTEN: "签的时候数字的写法不同（1.10 与 1.1，1 与 1.0）；应签发出的原文",
    Mistake.EMPTY_LEFT_OUT: "签的时候没有空值和 null，发出的有；应签发出的原文",
    Mistake.FIELD_UNSIGNED: "签名以后又加了字段：{field}；应签发出的原文",
    Mistake.TEXT_LEFT_OUT: "只签了密钥，没有签 data",
    Mistake.AMPERSAND: '密钥前面多了 &；应是 data + "key=" + 密钥，中间没有 &',
    Mistake.NO_KEY_NAME: '少了 "key="；应是 data + "key=" + 密钥',
    Mistake.KEY_FIRST: '密钥放在了前面；应放在后面：data + "key=" + 密钥',
    Mistake.KEY_BOTH_ENDS: '密钥前后各放了一次；应只放在后面：data + "key=" + 密钥',
    Mistake.KEY_NAME: '"key=" 写成了 {field}',
    Mistake.NO_KEY: '没有加密钥；应是 data + "key=" + 密钥',
    Mistake.OTHER_KEY: "用的是另一把密钥：{field}",
    Mistake.KEY_CASE: "密钥的大小写不对",
    Mistake.KEY_BLANKS: "密钥前后多了空格、换行或引号",
    Mistake.SHA1: "用的是 SHA-1；应用 MD5",
    Mistake.SHA256: "用的是 SHA-256；应用 MD5",
    Mistake.SHA512: "用的是 SHA-512；应用 MD5",
    Mistake.HMAC_MD5: "用的是 HMAC-MD5；应是普通的 MD5",
    Mistake.HMAC_SHA1: "用的是 HMAC-SHA1；应是普通的 MD5",
    Mistake.HMAC_SHA256: "用的是 HMAC-SHA256；应是普通的 MD5",
    Mistake.TWICE: "做了两次 MD5；应只做一次",
    Mistake.SHORT: "只有 16 位的 MD5；应是 32 位",
    Mistake.BASE64: "摘要写成了 Base64；应写成 32 位十六进制",
    Mistake.CUT: "签名被截短了；应是 32 位十六进制",
}

ENGLISH: dict[Mistake, str] = {
    Mistake.KEYS_SORTED: "data was signed with its keys sorted and sent unsorted; sign the text that is sent",
    Mistake.PAIRS: "sorted k=v joined by & were signed (the predecessor's way, and others'); sign the JSON text of data",
    Mistake.PAIRS_WITH_EMPTY: "sorted k=v joined by & were signed, empty ones too; sign the JSON text of data",
    Mistake.PAIRS_JOINED: "sorted keys and values were signed one after the other; sign the JSON text of data",
    Mistake.VALUES_ONLY: "only the values were signed, one after the other; sign the JSON text of data",
    Mistake.MAP_PRINTED: "a map's toString ({a=1, b=2}) was signed; sign the JSON text of data",
    Mistake.BLANKS: "the signed text has blanks after commas and colons, the sent one has not; sign the text that is sent",
    Mistake.INDENTED: "indented JSON was signed, the sent text has no lines; sign the text that is sent",
    Mistake.COMPACTED: "data was signed without its blanks and escapes, and sent with them; sign the text that is sent (some take it up to 8 KiB)",
    Mistake.ESCAPED: "the signed text writes Chinese as \\uXXXX, the sent one does not; sign the text that is sent",
    Mistake.UNESCAPED: "the sent text writes characters as \\uXXXX or \\/, the signed one does not; sign the text that is sent",
    Mistake.SLASHES: "the signed text writes / as \\/ (PHP's json_encode), the sent one does not; sign the text that is sent",
    Mistake.HTML_ESCAPED: "the signed text writes < > & = ' as \\u003c … (Gson), the sent one does not; sign the text that is sent",
    Mistake.GBK: "the text was signed in GBK; sign UTF-8",
    Mistake.UTF16: "the text was signed in UTF-16; sign UTF-8",
    Mistake.BYTE_ORDER_MARK: "the signed text begins with a byte order mark",
    Mistake.LINE_END: "the signed text ends with a line end more",
    Mistake.QUOTED: "data was signed as a quoted string, escapes included; sign what is inside",
    Mistake.WHOLE_BODY: "the whole body was signed; sign what data holds",
    Mistake.BODY_PAIRS: "the k=v of the whole body were signed; sign the JSON text of data",
    Mistake.BASE64_TEXT: "the Base64 of data was signed; sign its text",
    Mistake.URL_ENCODED: "data was signed URL-encoded; sign its text",
    Mistake.NUMBERS_AS_TEXT: "numbers were text when data was signed, and are numbers as sent; sign the text that is sent",
    Mistake.NUMBERS_REWRITTEN: "numbers were written otherwise when data was signed (1.10 and 1.1, 1 and 1.0)",
    Mistake.EMPTY_LEFT_OUT: "empty values and null were left out when data was signed, and are sent; sign the text that is sent",
    Mistake.FIELD_UNSIGNED: "fields were added after signing: {field}; sign the text that is sent",
    Mistake.TEXT_LEFT_OUT: "the key alone was signed, without data",
    Mistake.AMPERSAND: 'there is a & before the key; it is data + "key=" + KEY, with nothing between',
    Mistake.NO_KEY_NAME: '"key=" is missing; it is data + "key=" + KEY',
    Mistake.KEY_FIRST: 'the key stands first; it stands last: data + "key=" + KEY',
    Mistake.KEY_BOTH_ENDS: 'the key stands at both ends; it stands last only: data + "key=" + KEY',
    Mistake.KEY_NAME: '"key=" is written as {field}',
    Mistake.NO_KEY: 'there is no key in it; it is data + "key=" + KEY',
    Mistake.OTHER_KEY: "another key was used: {field}",
    Mistake.KEY_CASE: "the key is in the wrong case",
    Mistake.KEY_BLANKS: "there are blanks, a line end or quotes round the key",
    Mistake.SHA1: "SHA-1 was used; it is MD5",
    Mistake.SHA256: "SHA-256 was used; it is MD5",
    Mistake.SHA512: "SHA-512 was used; it is MD5",
    Mistake.HMAC_MD5: "HMAC-MD5 was used; it is plain MD5",
    Mistake.HMAC_SHA1: "HMAC-SHA1 was used; it is plain MD5",
    Mistake.HMAC_SHA256: "HMAC-SHA256 was used; it is plain MD5",
    Mistake.TWICE: "MD5 was taken twice; take it once",
    Mistake.SHORT: "only 16 digits of MD5 were sent; it has 32",
    Mistake.BASE64: "the digest is in Base64; write 32 hex digits",
    Mistake.CUT: "the signature was cut short; it has 32 hex digits",
}
