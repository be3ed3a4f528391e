"""Why a server was not reached, in words for people, in Chinese and English."""

from __future__ import annotations

import errno
import socket
import ssl

import aiohttp

_BROKEN = ("连上了，没有应答就断了", "connected, but the connection broke before an answer")
_BY_NUMBER = {
    errno.ECONNREFUSED: ("连接被拒绝：那个端口上没有程序在听", "connection refused: nothing listens on that port"),
    errno.EHOSTUNREACH: ("没有路由到那台机器", "no route to that machine"),
    errno.ENETUNREACH: ("没有路由到那个网络", "no route to that network"),
    errno.ECONNRESET: _BROKEN,
    errno.EPIPE: _BROKEN,
}


def why_not_reached(error: BaseException) -> tuple[str, str]:
    """What an exception of aiohttp or of a socket says, without their own words where there are better ones."""
    match error:
        case aiohttp.ClientConnectorDNSError(os_error=OSError(errno=errno.EACCES)):
            return "这个主机名指向内网，不跟随", "the name leads into a private network"
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return "找不到这个主机名（DNS）", "there is no such host name (DNS)"
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return "TLS 证书不受信任", "the TLS certificate is not trusted"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "TLS 握手失败：那个端口说的也许是 http", "the TLS handshake failed: perhaps that port speaks http"
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | ValueError():
            return "地址不能用：要写成 http://主机:端口/路径", "unusable address: it is http://HOST:PORT/PATH"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | aiohttp.ClientPayloadError():
            return _BROKEN
        case aiohttp.ClientResponseError():
            return "应答不是 HTTP", "the answer is no HTTP"
        case OSError(errno=number) if number in _BY_NUMBER:
            return _BY_NUMBER[number]
        case aiohttp.ClientConnectorError():
            return why_not_reached(error.os_error)
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return said, said
