"""The report as one HTML page that needs nothing else, and the score as a badge."""

from __future__ import annotations

from importlib import resources

import jinja2
from markupsafe import Markup

from ollama_contract.outcomes import ExitStatus, Result, Verdict

COLOURS = {
    ExitStatus.WELL: "#2a7d3c",
    ExitStatus.FINDINGS: "#b4321f",
    ExitStatus.IMPOSSIBLE: "#666",
}
LABEL = "Ollama API"
LETTER = 6.6
"""How wide a letter is, about, in a font of 11 pixels."""

BADGE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" \
aria-label="{label}: {value}"><title>{label}: {value}</title>\
<rect width="{width}" height="20" rx="3" fill="#444"/>\
<path d="M{left} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{inner}z" fill="{colour}"/>\
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">\
<text x="{middle_left}" y="14">{label}</text><text x="{middle_right}" y="14">{value}</text>\
</g></svg>
"""


def badge(result: Result) -> str:
    """A small SVG: the part of the applicable tests that passed."""
    value = "not tested" if result.status is ExitStatus.IMPOSSIBLE else f"{result.percent} %"
    left, right = (round(len(words) * LETTER) + 12 for words in (LABEL, value))
    return BADGE.format(
        width=left + right,
        label=LABEL,
        value=value,
        left=left,
        inner=right - 3,
        colour=COLOURS[result.status],
        middle_left=left / 2,
        middle_right=left + right / 2,
    )


def page(result: Result) -> str:
    """The page; everything that came from the server is escaped in it."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = resources.files("ollama_contract").joinpath("page.html.jinja").read_text("utf-8")
    return environment.from_string(template).render(
        result=result,
        badge=Markup(badge(result)),
        rows=result.rows(),
        groups=result.findings(),
        reasons=result.reasons(),
        counts={verdict.name.lower(): result.count(verdict) for verdict in Verdict},
    )
