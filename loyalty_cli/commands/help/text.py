"""A page of the documentation as plain text: its Markdown, laid out for a terminal or a pipe."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from loyalty_cli.commands.help.wrap import wrapped

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

LEAST_COLUMN = 30
"""A table's last column is wrapped if it has this much room; if not, each cell has its own line."""
UNDERLINES = {"h1": "=", "h2": "-"}
LeadsTo = Callable[[str], str | None]
"""What to type, or where to go, for the target of a link; None if the text says enough."""


def as_text(markdown: str, width: int, leads_to: LeadsTo) -> str:
    """The page in lines of at most `width`; blocks of code are as they are."""
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(markdown))
    return "\n".join(_Layout(width, leads_to).blocks(tree.children)) + "\n"


class _Layout:
    def __init__(self, width: int, leads_to: LeadsTo) -> None:
        self.width = width
        self.leads_to = leads_to

    def blocks(self, nodes: "Sequence[SyntaxTreeNode]", indent: str = "") -> list[str]:
        """Blocks, one below the other, with an empty line between them."""
        lines: list[str] = []
        for node in nodes:
            block = list(self._block(node, indent))
            if block and lines:
                lines.append("")
            lines += block
        return lines

    def _block(self, node: "SyntaxTreeNode", indent: str) -> Iterator[str]:
        match node.type:
            case "heading":
                title = self._inline(node)
                yield indent + title
                if underline := UNDERLINES.get(node.tag):
                    yield indent + underline * len(title)
            case "paragraph":
                yield from wrapped(self._inline(node), self.width, indent)
            case "fence" | "code_block":
                for line in node.content.rstrip("\n").split("\n"):
                    yield f"{indent}    {line}".rstrip()
            case "bullet_list" | "ordered_list":
                yield from self._list(node, indent)
            case "table":
                yield from self._table(node, indent)
            case _:  # a quotation
                yield from self.blocks(node.children, f"{indent}  ")

    def _list(self, node: "SyntaxTreeNode", indent: str) -> Iterator[str]:
        start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        for number, item in enumerate(node.children, start or 0):
            sign = "- " if start is None else f"{number}. "
            lines = self.blocks(item.children, indent + " " * len(sign))
            if lines:
                yield indent + sign + lines[0][len(indent + sign) :]
                yield from lines[1:]

    def _table(self, node: "SyntaxTreeNode", indent: str) -> Iterator[str]:
        rows = [
            [_without_backticks(self._inline(cell)) for cell in row.children]
            for part in node.children
            for row in part.children
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        beside = len(indent) + sum(widths[:-1]) + 2 * (len(widths) - 1)
        room = min(self.width - beside, widths[-1])
        if room == widths[-1] or room >= LEAST_COLUMN:
            yield from self._columns(rows, widths, indent, beside)
        else:
            yield from self._facts(rows, indent)

    def _columns(
        self, rows: list[list[str]], widths: list[int], indent: str, beside: int
    ) -> Iterator[str]:
        for at, row in enumerate(rows):
            *cells, last = row
            start = indent + "".join(
                cell.ljust(width + 2) for cell, width in zip(cells, widths, strict=False)
            )
            if any(row):
                yield from wrapped(last, self.width, start, " " * beside)
            if at == 0 and any(row):
                yield indent + "-" * (beside - len(indent) + min(widths[-1], self.width - beside))

    def _facts(self, rows: list[list[str]], indent: str) -> Iterator[str]:
        """Each row as its first cell, and below it the others with the names of their columns."""
        names, *others = rows
        if len(names) == 2 and any(names):
            title = ": ".join(filter(None, names))
            yield from (indent + title, indent + "-" * len(title))
        for row in others:
            yield from wrapped(row[0], self.width, indent, f"{indent}  ")
            for name, cell in zip(names[1:], row[1:], strict=True):
                label = f"{name}: " if name and len(row) > 2 else ""
                if cell:
                    yield from wrapped(label + cell, self.width, f"{indent}    ")

    def _inline(self, node: "SyntaxTreeNode") -> str:
        return "".join(map(self._span, node.children)).strip()

    def _span(self, node: "SyntaxTreeNode") -> str:
        match node.type:
            case "text":
                return node.content
            case "code_inline":
                return f"`{node.content}`"
            case "softbreak" | "hardbreak":
                return " "
            case "link":
                text, to = self._inline(node), self.leads_to(str(node.attrs["href"]))
                return f"{text} ({to})" if to and to != text else text
            case _:  # bold, or what holds the spans of a block
                return "".join(map(self._span, node.children))


def _without_backticks(cell: str) -> str:
    """A cell that is only code needs no backticks."""
    return cell.replace("`", "") if re.fullmatch(r"`[^`]*`(, `[^`]*`)*", cell) else cell
