#!/usr/bin/env python3
"""Turns a screen, as `tmux capture-pane -e -N -p` writes it, into a PNG.

usage: term-picture.py OUT.png < SCREEN
needs: pip install pillow resvg-py, and the fonts of the Debian package fonts-dejavu-core
"""

import io
import re
import sys
import unicodedata
from dataclasses import dataclass, replace
from html import escape

import resvg_py
from PIL import Image

WIDTH, HEIGHT, BASELINE, MARGIN = 9, 19, 14, 12
PAPER, INK = "#14171f", "#dfe3ea"
SIXTEEN = [
    "#2a2f3a", "#f0666d", "#74c991", "#e3bd62", "#6ea3f2", "#c792e0", "#5fc4d4", "#c9ced8",
    "#636b7b", "#ff868c", "#93e0ac", "#f5d683", "#93bcff", "#deb0f2", "#86dfec", "#ffffff",
]
PLANES = {38: "ink", 48: "paper"}
STYLE = re.compile(r"\x1b\[([0-9;]*)m")


@dataclass(frozen=True)
class Style:
    ink: str = INK
    paper: str = PAPER
    bold: bool = False
    dim: bool = False
    underlined: bool = False
    swapped: bool = False

    def colours(self):
        ink, paper = (self.paper, self.ink) if self.swapped else (self.ink, self.paper)
        return (blend(ink, paper, 0.6) if self.dim else ink), paper


def blend(one, other, share):
    """So much of the one colour, the rest of the other."""
    parts = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in parts)


def of_256(number):
    """A colour of xterm's 256: sixteen, a cube of six steps, and greys."""
    if number < 16:
        return SIXTEEN[number]
    if number < 232:
        steps = [number - 16, (number - 16) // 6, (number - 16) // 36]
        red, green, blue = (0 if step % 6 == 0 else 55 + 40 * (step % 6) for step in reversed(steps))
    else:
        red = green = blue = 8 + 10 * (number - 232)
    return f"#{red:02x}{green:02x}{blue:02x}"


def restyled(style, codes):
    """What a style becomes by one escape sequence; a code that is not known is an error."""
    codes = [int(code or 0) for code in codes.split(";")]
    while codes:
        code, *codes = codes
        if code == 0:
            style = Style()
        elif code in (38, 48) and codes[:1] == [5] and len(codes) > 1:
            style = replace(style, **{PLANES[code]: of_256(codes[1])})
            codes = codes[2:]
        elif code in (38, 48) and codes[:1] == [2] and len(codes) > 3:
            style = replace(style, **{PLANES[code]: "#%02x%02x%02x" % tuple(codes[1:4])})
            codes = codes[4:]
        elif code == 1:
            style = replace(style, bold=True)
        elif code == 2:
            style = replace(style, dim=True)
        elif code == 4:
            style = replace(style, underlined=True)
        elif code == 7:
            style = replace(style, swapped=True)
        elif 30 <= code <= 37:
            style = replace(style, ink=SIXTEEN[code - 30])
        elif code == 39:
            style = replace(style, ink=INK)
        elif 40 <= code <= 47:
            style = replace(style, paper=SIXTEEN[code - 40])
        elif code == 49:
            style = replace(style, paper=PAPER)
        elif 90 <= code <= 97:
            style = replace(style, ink=SIXTEEN[code - 82])
        else:
            sys.exit(f"term-picture.py: cannot draw the style {code}")
    return style


def cells(screen):
    """Each character, with its column, its row and its style."""
    style = Style()
    for row, line in enumerate(screen.split("\n")):
        column = 0
        for at, part in enumerate(STYLE.split(line)):
            if at % 2:
                style = restyled(style, part)
                continue
            for character in part:
                yield column, row, character, style
                column += 2 if unicodedata.east_asian_width(character) in "WF" else 1


def svg(screen):
    boxes, letters = [], []
    columns = rows = 0
    for column, row, character, style in cells(screen):
        columns, rows = max(columns, column + 1), max(rows, row + 1)
        ink, paper = style.colours()
        x, y = MARGIN + column * WIDTH, MARGIN + row * HEIGHT
        if paper != PAPER:
            boxes.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" fill="{paper}"/>')
        if character.strip():
            weight = ' font-weight="bold"' if style.bold else ""
            weight += ' text-decoration="underline"' if style.underlined else ""
            letters.append(f'<text x="{x}" y="{y + BASELINE}" fill="{ink}"{weight}>{escape(character)}</text>')
    size = f'width="{columns * WIDTH + 2 * MARGIN}" height="{rows * HEIGHT + 2 * MARGIN}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        # An advance of 0.602 em: a column is exactly one letter wide.
        f'<g font-family="DejaVu Sans Mono" font-size="{WIDTH / 0.602:.3f}">'
        f'{"".join(boxes)}{"".join(letters)}</g></svg>'
    )


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    picture = svg(sys.stdin.read().rstrip("\n"))
    drawn = bytes(resvg_py.svg_to_bytes(svg_string=picture, font_dirs=["/usr/share/fonts"]))
    # A screen has few colours: with a palette the file is a third as large.
    image = Image.open(io.BytesIO(drawn)).convert("RGB")
    image.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(sys.argv[1], optimize=True)


main()
