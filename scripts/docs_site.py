"""What `make docs` does besides mkdocs' own work: pages of the root join the site, links out of it become names."""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
# Pages that stand in the root, where code hosts and people look for them, and their place in the site.
FROM_ROOT: Final = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
LINK: Final = re.compile(r"(?<!!)\[([^\][]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")

# What a browser fetches by itself, from another host.
FETCHED: Final = re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of the root."""
    from mkdocs.structure.files import File  # mkdocs lives in another environment than this file's checks

    for name, place in FROM_ROOT.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Have links lead to where their pages are in the site."""
    from_root = page.file.src_uri in FROM_ROOT.values()
    return LINK.sub(lambda link: within_site(link, "" if from_root else "docs"), markdown)


def on_post_page(output: str, page: Any, **_: Any) -> None:
    """Complain, which stops the build, of a page that would ask another host."""
    for fetched in FETCHED.findall(output):
        logging.getLogger("mkdocs.hooks.docs_site").warning("%s asks another host: %s", page.file.src_uri, fetched)


def within_site(link: re.Match[str], folder: str) -> str:
    """The same link within the site, or its text alone where what it names, say a program, isn't part of it."""
    text, target, anchor = link[1], link[2], link[3] or ""
    path = posixpath.normpath(posixpath.join(folder, target))
    if path in FROM_ROOT:
        return f"[{text}]({FROM_ROOT[path]}{anchor})"
    if path == "README.md":
        return f"[{text}](index.md)"
    if path.startswith("docs/") and (ROOT / path).is_file():
        return f"[{text}]({path.removeprefix('docs/')}{anchor})"
    return f"{text} (`{path}`)" if (ROOT / path).exists() else link[0]
