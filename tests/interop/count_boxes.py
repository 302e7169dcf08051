"""Counts the task boxes of Markdown files with two parsers that are not ours, and compares with the ledger.

usage: count_boxes.py LEDGER FILE...

Needs `markdown-it-py`, whose list items are counted as GitHub Flavored Markdown defines task list items, and
`cmarkgfm`, GitHub's own parser. A file differs when the ledger agrees with neither; where the two
disagree with each other, that is told. Ends with 1 when a file differs or is refused.

What is known of cmark-gfm: it sees no box in a quote, on a line with two list markers, or without a text, and
takes an open box whose text holds `[x]` for a ticked one.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import cmarkgfm
from markdown_it import MarkdownIt

# "[", one blank or x, "]", and white space before any other content (GFM, section 5.3). A line's end is white
# space: a box without a text is still a box.
MARKER = re.compile(r"\[([ \t\nxX])\](?=\s|$)")
BOX = re.compile(r'<input type="checkbox" (checked="" )?disabled="" />')


def text_of(data):
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data.decode(encoding)


def by_definition(text):
    """Open and done boxes: list items whose first block is a paragraph that begins with a marker."""
    tokens = MarkdownIt("commonmark").parse(text)
    found = [0, 0]
    for item, block, inline in zip(tokens, tokens[1:], tokens[2:]):
        if item.type == "list_item_open" and block.type in ("paragraph_open", "heading_open"):
            marker = MARKER.match(inline.content)
            # An underlined text is a paragraph while its box is read; `# [ ] a` never was one.
            ends_file = text.endswith(inline.content) and marker and marker.end() == len(inline.content)
            if marker and not block.markup.startswith("#") and not ends_file:
                found[marker.group(1) in "xX"] += 1
    return tuple(found)


def by_cmark(text):
    """The same as GitHub's parser shows them. Raw HTML is left out of its output."""
    boxes = BOX.findall(cmarkgfm.github_flavored_markdown_to_html(text))
    done = sum(1 for checked in boxes if checked)
    return len(boxes) - done, done


def by_ledger(ledger, path):
    command = [ledger, "facts", "--format", "checklist", "--json", str(path)]
    ran = subprocess.run(command, capture_output=True, check=False)
    if ran.returncode != 0:
        return None
    facts = json.loads(ran.stdout)["facts"]
    return facts["open"], facts["done"]


def main(ledger, *paths):
    boxes, wrong, unlike = 0, 0, 0
    for path in map(Path, paths):
        text = text_of(path.read_bytes())
        ours, defined, shown = by_ledger(ledger, path), by_definition(text), by_cmark(text)
        boxes += sum(defined)
        told = f"{path.name}: (open, done) is {ours}; by definition {defined}, by cmark-gfm {shown}"
        if ours not in (defined, shown):
            wrong += 1
            print(f"DIFFERS {told}")
        elif defined != shown:
            unlike += 1
            print(f"unclear {told}")
    print(f"{len(paths)} files, {boxes} boxes: {wrong} files differ, the other two parsers disagree on {unlike}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
