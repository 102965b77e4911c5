"""The notes at the end of a data card (what the shortcut gate found, and the like), as blocks that a page can show."""

from dataclasses import dataclass, field
from pathlib import Path

LAST = "## Licence"  # the section of a data card after which its notes begin


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph, or the rows of a table, whose first row is its head."""

    heading: str = ""
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)


def read_notes(card: Path) -> list[Block]:
    """The notes of a data card; none if there is no card, or none in it.

    Of Markdown only headings, pipe tables, paragraphs and lines of lists are understood; the rest stays as it is.
    """
    if not card.is_file():
        return []
    parts = card.read_text(encoding="utf-8").partition(f"\n{LAST}\n")[2].split("\n\n")
    paragraphs = [part.strip().replace("`", "") for part in parts if part.strip()]
    return [_block(paragraph) for paragraph in paragraphs[1:]]  # the first is the licence


def _block(paragraph: str) -> Block:
    lines = paragraph.splitlines()
    if paragraph.startswith("#") and len(lines) == 1:
        return Block(heading=paragraph.lstrip("#").strip())
    if all(line.startswith("|") for line in lines):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return Block(rows=[row for row in rows if any(cell.strip("-: ") for cell in row)])
    return Block(text=paragraph)
