"""For MkDocs: pages that live outside of docs/ are part of the site, each at its path in the checkout.

Links are written as they work in the checkout. One to a file that the site does not have becomes that file's name.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/RESULTS.md",
    "studies/README.md",
    "studies/RESULTS.md",
    "results/lab/README.md",
    "results/lab/report.md",
    "results/lab-claim/README.md",
    "results/lab-claim/report.md",
    "results/lab-quick/README.md",
    "results/lab-quick/report.md",
    "results/lab-mild/README.md",
    "results/lab-third/README.md",
    "results/lab-rounds/README.md",
    "results/lab-long/README.md",
    "results/lab-250k/README.md",
    "results/lab-500k/README.md",
    "results/lab-1m/README.md",
    "results/lab-tuning/README.md",
    "results/lab-noise/README.md",
    "results/archive/README.md",
    "results/archive/lab/NOTE.md",
    "results/archive/lab/report.md",
    "results/smol/README.md",
    "results/smol/report.md",
    "results/smol-eval/README.md",
    *(card.relative_to(ROOT).as_posix() for card in sorted(ROOT.glob("tasks/*/card.md"))),
]
PICTURES = [
    *(
        f"results/{run}/forest.svg"
        for run in (
            *("lab", "lab-claim", "lab-quick", "lab-mild", "lab-third", "lab-rounds", "lab-long"),
            *("lab-250k", "lab-500k", "lab-1m"),
        )
    ),
    "results/lab-noise/noise.svg",
]
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name in (*OUTSIDE, *PICTURES):
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with its links as the site has them."""
    name = page.file.src_uri
    place = name if name in OUTSIDE else f"docs/{name}"

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(place), target))
        if not (ROOT / path).exists():
            raise PluginError(f"{place}: a link to {target}, which does not exist")
        on_site = path.removeprefix("docs/")
        if files.get_file_from_path(on_site) is None:
            return text if "`" in text or path in text else f"{text} (`{path}`)"
        return f"[{text}]({posixpath.relpath(on_site, posixpath.dirname(name) or '.')}{anchor})"

    return _LINK.sub(link, markdown)
