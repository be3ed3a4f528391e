"""MkDocs hook: NAME.md is Chinese, NAME.en.md beside it English; each language is a build, and a site, of its own.

A page in one language only fails the build.
"""

from __future__ import annotations

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files

SUFFIX = ".en.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Leave out the other language's pages. Raises `PluginError` for a page that lacks it."""
    pages = {file.src_uri: file for file in files.documentation_pages()}
    alone = sorted(name for name in pages if _other(name) not in pages)
    if alone:
        raise PluginError(f"in one language only: {', '.join(alone)}")
    for name, file in pages.items():
        if name.endswith(SUFFIX):
            files.remove(file)
            if config.extra["language"] == "en":
                pages[_other(name)].abs_src_path = file.abs_src_path
    return files


def _other(name: str) -> str:
    """The same page in the other language."""
    return name.removesuffix(SUFFIX) + ".md" if name.endswith(SUFFIX) else name.removesuffix(".md") + SUFFIX
