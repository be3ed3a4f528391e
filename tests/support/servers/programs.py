"""Programs of the system that tests run."""

from __future__ import annotations

import os
import shutil


def program(name: str, package: str) -> str:
    """The program's path. Raises RuntimeError, with the line that installs it."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"{name} is not here. Install it: apt-get install {package}")
    return found
