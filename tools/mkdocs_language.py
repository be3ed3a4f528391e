"""MkDocs hook: NAME.md is Chinese, NAME.en.md beside it English; each language is a build, and a site, of its own.

A page without its English is shown as it is.
"""

from __future__ import annotations

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files

SUFFIX = ".en.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Leave out the other language's pages."""
    english = config.extra["language"] == "en"
    for file in list(files):
        if file.src_uri.endswith(SUFFIX):
            files.remove(file)
            page = files.get_file_from_path(file.src_uri.removesuffix(SUFFIX) + ".md")
            if english and page is not None:
                page.abs_src_path = file.abs_src_path
    return files
