"""Draws the counts as one SVG, which is readable on a light and on a dark page."""

from collections.abc import Iterable
from html import escape

from tests.bench.catalog import BARE, OURS, SYSTEMS
from tests.bench.count import Count, unit

OPERATIONS = {
    "profile": "Profile, a token seen before",
    "profile_new": "Profile, a new token",
    "verify": "Verify",
    "refresh": "Refresh",
    "login": "Log in",
}
NOTE = "Only authapi checks with each request that the session has not ended."
_WIDTH, _LEFT, _ROW, _GAP = 640, 190, 15, 30
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333 }
.title { font-weight: 600 }
.ours { fill: #0b6e4f }
.other { fill: #a8b0b8 }
@media (prefers-color-scheme: dark) {
text { fill: #ddd } .ours { fill: #3fb98c } .other { fill: #5c656e }
}
"""


def chart(counts: dict[str, Count]) -> str:
    """Return an SVG with a bar for each system that has an operation."""
    one = unit(counts)
    groups = {
        title: [
            (SYSTEMS[name], count.instructions[operation] / one)
            for name, count in counts.items()
            if name != BARE.name and operation in count.instructions
        ]
        for operation, title in OPERATIONS.items()
    }
    most = max(times for bars in groups.values() for _, times in bars)
    scale = (_WIDTH - _LEFT - 50) / most
    lines = [
        _text(
            0,
            14,
            "Instructions per request, as a multiple of a bare Django view",
            "title",
        )
    ]
    y = 14
    for title, bars in groups.items():
        y += _GAP
        lines.append(_text(0, y, title, "title"))
        y += 3
        for system, times in bars:
            y += _ROW
            kind = "ours" if system == OURS else "other"
            lines += [
                _text(10, y, system.title),
                f'<rect class="{kind}" x="{_LEFT}" y="{y - 10}" '
                f'width="{times * scale:.0f}" height="11"/>',
                _text(_LEFT + times * scale + 5, y, f"{times:.1f}"),
            ]
    y += _GAP
    lines.append(_text(0, y, NOTE))
    return _svg(y + 8, lines)


def headline(ours: str, tutorial: str) -> str:
    """Say in words how much a profile takes."""
    return (
        f"Reading a profile takes {ours} times the instructions of a bare Django view,"
        " the check of its session included; the usual set-up of simplejwt takes"
        f" {tutorial} times, without such a check."
    )


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    kind = kind and f' class="{kind}"'
    return f'<text{kind} x="{x:.0f}" y="{y}">{escape(text)}</text>'


def _svg(height: int, lines: Iterable[str]) -> str:
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'width="{_WIDTH}" height="{height}" role="img">',
            f"<style>{_STYLE}</style>",
            *lines,
            "</svg>\n",
        )
    )
