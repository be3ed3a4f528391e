"""What the code logs while it is tested."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import structlog


def log_plainly() -> None:
    """Write tracebacks as servers do: in frames and colours one takes longer than most tests."""
    structlog.configure(
        [
            *structlog.get_config()["processors"][:-1],
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )


@contextlib.contextmanager
def logs_as_before() -> Iterator[None]:
    """Whoever sets the logs up inside leaves them as they were."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        structlog.configure(**before)
        root.handlers[:] = handlers
        root.setLevel(level)
