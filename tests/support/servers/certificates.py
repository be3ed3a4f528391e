"""Certificates that a device made itself."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
from pathlib import Path

from support.servers.programs import program


def self_signed(folder: Path, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """Certificate and key in PEM, for that address."""
    cert, key = folder / f"{name}.cert.pem", folder / f"{name}.key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    named = ["-days", "1", "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{name}"]
    subprocess.run(
        [program("openssl", "openssl"), "req", "-x509", *curve, *named, "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    return cert, key


def fingerprint(cert: Path) -> str:
    """Its SHA-256, in hex."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(cert.read_text())).hexdigest()
