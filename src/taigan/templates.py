"""The templates of a package's pages, read before the first page is shown, beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from importlib.resources import files
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import jinja2

from taigan.languages import Languages

Filter = Callable[..., Any]


class Templates:
    """Every template of a package, in every language. To compile one takes up to 80 ms, all of them more than a second:
    it is done once, in a thread, and kept where Python keeps what it compiled."""

    def __init__(self, package: str, languages: Languages, *extensions: str) -> None:
        self._languages = languages
        self._environments = {tag: _environment(package, languages, tag, extensions) for tag in languages.tags}
        self._read: dict[str, dict[str, jinja2.Template]] = {}
        self._reading: asyncio.Task[None] | None = None

    def add(self, language: str, *, filters: Mapping[str, Filter], values: Mapping[str, Any]) -> None:
        """What templates in this language find beside the texts."""
        environment = self._environments[language]
        environment.filters |= {name: _asked_when_shown(call) for name, call in filters.items()}
        environment.globals |= values

    async def ready(self) -> None:
        """Comes back when `get` has them all. Whoever shows pages waits for it first."""
        if self._read:
            return
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(self._read_all))
        await asyncio.shield(self._reading)

    def get(self, language: str, name: str) -> jinja2.Template:
        """A template. Raises KeyError before they are ready: none is compiled while others wait."""
        return self._read[language][name]

    def _read_all(self) -> None:
        self._read = {
            language: {name: environment.get_template(name) for name in environment.list_templates()}
            for language, environment in self._environments.items()
        }


def _environment(package: str, languages: Languages, language: str, extensions: tuple[str, ...]) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n", *extensions],
        auto_reload=False,
        cache_size=-1,
        bytecode_cache=_Compiled(package),
    )
    i18n: Any = environment
    i18n.install_gettext_translations(languages.texts(language), newstyle=True)
    environment.globals |= {"language": language, "languages": languages.tags}
    return environment


def _asked_when_shown(call: Filter) -> Filter:
    """A filter of ours, which is never worked out while a template is compiled: what is kept of it is for all languages
    and outlives the filter's code."""

    @jinja2.pass_context
    def filter_(_: jinja2.runtime.Context, *values: Any, **named: Any) -> Any:
        return call(*values, **named)

    return filter_


class _Compiled(jinja2.FileSystemBytecodeCache):
    """Compiled templates beside the package's compiled code. Where that folder may not be written nothing is kept, as
    Python does."""

    def __init__(self, package: str) -> None:
        folder = Path(cache_from_source(str(files(package).joinpath("templates.py")))).parent
        super().__init__(str(folder), "%s.template")

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)
