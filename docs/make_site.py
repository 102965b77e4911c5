"""Builds the site: python docs/make_site.py. Pages of docs/, pages made from the code, Zensical, and every link.

What is made is never kept in the repository: the commands' help, the list of decisions, the log. build/docs holds all
pages as Zensical takes them in, site/ what comes out. No page asks the network for anything: that is checked too.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import yaml
from results import cards  # its neighbour

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("*.md", "*.svg", "*.gif", "*.png", "*.webp", "*.css", "*.js")
TAKEN_IN = {"log.md": "dev/LOG.md", "changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
LISTED = {
    "decisions": ("Decisions", "What was decided, why, and at what price."),
    "results": ("Encoders, measured", "What [the bench](../probe.md) said, run by run."),
}
LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "video": "src", "source": "src"}
SHIM = (
    "https://unpkg.com/iframe-worker/shim"  # what the theme would load to search on pages from disk; ours is worker.js
)
HINTS = ("canonical", "next", "prev", "alternate")  # links of a page's head that no browser loads


def lay_out(pages: Path) -> None:
    """All pages in the folder `pages`, which is made anew."""
    shutil.rmtree(pages, ignore_errors=True)
    for kind in KINDS:
        for file in (ROOT / "docs").rglob(kind):
            target = pages / file.relative_to(ROOT / "docs")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    for name, source in TAKEN_IN.items():
        shutil.copyfile(ROOT / source, pages / name)
    write(pages / "reference" / "commands.md", commands())
    for folder, (title, words) in LISTED.items():
        write(pages / folder / "index.md", listing(folder, title, words))
    front = (pages / "index.md").read_text(encoding="utf-8")
    write(pages / "index.md", front.replace("<!-- figures -->", cards()))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def commands() -> str:
    """The help of every command, as a terminal shows it."""
    from marey.cli import main

    parts = ["# Commands", "What `--help` says. [The shell](../how-to/shell.md) completes commands and options."]
    for path, command in each_command(main, ("marey",)):
        with click.Context(command, info_name=" ".join(path), terminal_width=100, **main.context_settings) as context:
            parts += [f"## {' '.join(path)}", f"```text\n{command.get_help(context)}\n```"]
    return "\n\n".join(parts) + "\n"


def each_command(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The command and all below it, each with its words."""
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from each_command(each, (*path, name))


def listing(folder: str, title: str, words: str) -> str:
    """A list of the pages of a folder of docs/, by their headings."""
    lines = []
    for file in sorted((ROOT / "docs" / folder).glob("*.md")):
        heading = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"- [{heading}]({file.name})")
    return "\n\n".join([f"# {title}", words, "\n".join(lines)]) + "\n"


def missing_from_nav(pages: Path) -> list[str]:
    """Pages that no menu leads to; some folders have lists of their own."""
    listed = set(named(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    there = {file.relative_to(pages).as_posix() for file in pages.rglob("*.md")}
    lost = {page for page in there - listed if page.split("/")[0] not in LISTED}
    return [f"{page}: in no menu; add it to nav in mkdocs.yml" for page in sorted(lost)] + [
        f"mkdocs.yml: nav names {page}, which is not there" for page in sorted(listed - there)
    ]


def named(nav: object) -> Iterator[str]:
    """The pages of a menu."""
    for each in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else [nav]:
        if isinstance(each, str):
            yield each
        else:
            yield from named(each)


@dataclass(frozen=True)
class Link:
    """An address on a page. loaded: the browser fetches it by itself."""

    address: str
    loaded: bool


class Page(HTMLParser):
    """The links and anchors of one page."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[Link] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := found.get(name))}
        if tag == "a" and found.get("href"):
            self.links.append(Link(str(found["href"]), False))
        elif tag in LOADING and found.get(LOADING[tag]):
            hint = tag == "link" and found.get("rel") in HINTS
            self.links.append(Link(str(found[LOADING[tag]]), not hint))


def check(site: Path) -> tuple[list[str], list[str]]:
    """What is wrong with the links of a built site, and the addresses outside it, which are not fetched."""
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))}
    wrong, outside = [], set()
    for file, page in pages.items():
        for link in page.links:
            parts, where = urlsplit(link.address), file.relative_to(site).as_posix()
            if parts.scheme or parts.netloc:
                outside.add(link.address)
                if link.loaded and parts.scheme != "data":
                    wrong.append(f"{where}: loads {link.address} from the network")
                continue
            base = site if parts.path.startswith("/") else file.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                wrong.append(f"{where}: {link.address} is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                wrong.append(f"{where}: {link.address} has no such anchor")
    for file in sorted(site.rglob("*.css")):
        for address in re.findall(r"url\(\s*[\"']?((?:https?:)?//[^\"')]*)", file.read_text(encoding="utf-8")):
            wrong.append(f"{file.relative_to(site)}: loads {address} from the network")
    return wrong, sorted(outside)


def bring_home(site: Path) -> None:
    """Let the pages load worker.js in place of the script that the theme fetches from the network."""
    for file in site.rglob("*.html"):
        home = "../" * (len(file.relative_to(site).parts) - 1)
        text = file.read_text(encoding="utf-8").replace(SHIM, f"{home}worker.js")
        file.write_text(text, encoding="utf-8")


def main() -> int:
    """Lay out, build, check; the number of faults decides the exit status."""
    pages, site = ROOT / "build" / "docs", ROOT / "site"
    lay_out(pages)
    wrong = missing_from_nav(pages)
    shutil.rmtree(site, ignore_errors=True)
    built = subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=ROOT, check=False)
    if built.returncode:
        return built.returncode
    bring_home(site)
    found, outside = check(site)
    for fault in (wrong := wrong + found):
        print(fault, file=sys.stderr)
    count = len(list(site.rglob("*.html")))
    print(f"{count} pages, {len(wrong)} faults; {len(outside)} addresses outside, not fetched", *outside, sep="\n  ")
    print(site / "index.html")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
