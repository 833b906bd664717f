"""How the page looks: on a screen in light and dark, on a narrow one, and on paper."""

from __future__ import annotations

from typing import Final

from callbackq.reporting.palette import DARK, LIGHT, variables

CHART_STYLE: Final = """
svg { display: block; width: 100%; height: auto; overflow: visible }
svg text { font: 12.5px var(--font); fill: var(--soft); font-variant-numeric: tabular-nums }
svg .words { fill: var(--ink); font-size: 14px }
svg .value { fill: var(--ink); font-size: 14px; font-weight: 600 }
svg .hint { fill: var(--soft); font-style: italic }
.grid { stroke: var(--grid); stroke-width: 1 }
.axis { stroke: var(--soft); stroke-width: 1 }
.trough { fill: var(--grid) }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round }
.hold-line { stroke: var(--hold) }
.back-line { stroke: var(--back); stroke-dasharray: 7 5 }
.hold-mark, .hold-fill { fill: var(--hold) }
.back-mark, .back-fill { fill: var(--back) }
.hold-mark, .back-mark { stroke: var(--paper); stroke-width: 1.5 }
.other-fill { fill: var(--soft) }
.back-open { fill: var(--back-pale); stroke: var(--back); stroke-width: 1 }
.none-open { fill: var(--paper); stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 2 }
.back-bubble { fill: var(--back); fill-opacity: 0.78; stroke: var(--paper); stroke-width: 1.5 }
.late-area { fill: var(--back-pale); fill-opacity: 0.45 }
.exact { fill: none; stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 2 4; stroke-linecap: round }
""".strip()

PAGE_STYLE: Final = """
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.5 var(--font) }
header, main, footer { max-width: 74rem; margin: 0 auto; padding: 0 1.5rem }
header { padding-top: 2.5rem }
footer { padding-bottom: 2.5rem; color: var(--soft); font-size: 0.875rem }
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -0.02em; margin: 0 }
h2 { font-size: 1.3rem; letter-spacing: -0.01em; margin: 2.75rem 0 0.9rem }
h3 { font-size: 1.05rem; margin: 0 }
p { margin: 0.35rem 0; max-width: 68ch }
.when { font-size: 1.1rem; color: var(--soft) }
.verdict { font-weight: 600; font-size: 1.1rem; margin-top: 1.1rem }
.soft { color: var(--soft) }
a { color: var(--hold) }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 3px solid var(--hold); outline-offset: 2px }
.skip { position: absolute; left: -999rem; top: 0; background: var(--paper); padding: 0.5rem 1rem; z-index: 1 }
.skip:focus { left: 1rem; top: 1rem }
.card { background: var(--paper); border: 1px solid var(--edge); border-radius: 0.75rem; padding: 1.25rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: 1rem }
.tiles { list-style: none; margin: 0; padding: 0 }
.tile { display: flex; flex-direction: column; border-top: 4px solid var(--edge) }
.tile.met { border-top-color: var(--met) }
.tile.not-met { border-top-color: var(--missed) }
.tile b { font-size: 1.9rem; line-height: 1.25; letter-spacing: -0.02em; font-weight: 650 }
.tile b, td, th { font-variant-numeric: tabular-nums }
.tile .name { color: var(--soft); font-size: 0.95rem; line-height: 1.35 }
.tile .aim { margin-top: auto; padding-top: 0.5rem; font-size: 0.9rem; color: var(--soft) }
.mark { font-weight: 600; white-space: nowrap }
.mark.met { color: var(--met) }
.mark.not-met { color: var(--missed) }
.mark.no-value { color: var(--soft) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1.25rem }
figure { margin: 0; display: flex; flex-direction: column; gap: 0.75rem }
figcaption p { color: var(--soft); min-height: 3em }
.key { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; margin: 0; padding: 0 }
.key { font-size: 0.9rem; min-height: 1.5em }
.key li { display: flex; align-items: center; gap: 0.5rem }
.key svg { width: 1.75rem; flex: none }
details { margin-top: auto }
summary { cursor: pointer; color: var(--hold); font-size: 0.9rem; padding: 0.25rem 0 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem }
caption { text-align: left; color: var(--soft); font-size: 0.9rem; padding-bottom: 0.4rem }
th, td { padding: 0.5rem 0.75rem; text-align: right; border-bottom: 1px solid var(--grid); vertical-align: top }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
th:last-child, td:last-child { padding-right: 0 }
thead th { color: var(--soft); font-weight: 600; font-size: 0.85rem; border-bottom-color: var(--edge) }
tbody th { font-weight: 400 }
.parts tbody th { white-space: nowrap }
.parts td .mark { display: block }
tbody tr:last-child > * { border-bottom: 0 }
td { white-space: nowrap }
.note { display: block; color: var(--soft); font-size: 0.85rem }
.note, td.long { overflow-wrap: anywhere }
td.long { white-space: normal; text-align: left; color: var(--soft); font-size: 0.85rem }
code { font: 0.92em ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere }
.pair { columns: 2 26rem; column-gap: 1.25rem; margin-top: 2rem }
.pair > * { break-inside: avoid; padding-bottom: 1.75rem }
.pair h2 { margin-top: 0 }
dl { margin: 0; display: grid; grid-template-columns: minmax(10rem, 16rem) 1fr; gap: 0.6rem 1.5rem; font-size: 0.95rem }
dt { font-weight: 600 }
dd { margin: 0; color: var(--soft) }
@media (max-width: 40rem) {
  header, main, footer { padding-left: 1rem; padding-right: 1rem }
  header { padding-top: 1.5rem }
  h1 { font-size: 1.6rem }
  .card { padding: 1rem }
  .tiles { grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 0.6rem }
  .tile b { font-size: 1.4rem }
  td { white-space: normal }
  td .mark { display: block }
  table { font-size: 0.875rem }
  tbody th { min-width: 5.2rem; overflow-wrap: break-word; hyphens: auto }
  figcaption p { min-height: 0 }
  th, td { padding-left: 0.3rem; padding-right: 0.3rem }
  dl { grid-template-columns: 1fr; gap: 0.1rem }
  dd { margin-bottom: 0.75rem }
  svg text { font-size: 18px }
  svg .words, svg .value { font-size: 19px }
  svg .fine { display: none }
}
@page { size: A4; margin: 14mm }
@media print {
  html { font-size: 10.5px }
  body { background: #ffffff }
  header, main, footer { max-width: none; padding: 0 }
  .skip, details, .on-screen { display: none }
  .card { border-color: var(--edge); padding: 0.9rem }
  .charts { grid-template-columns: 1fr 1fr; gap: 0.8rem }
  .pair { columns: auto; margin-top: 1.6rem }
  .pair > * { padding-bottom: 1.2rem }
  .tiles { grid-template-columns: repeat(4, 1fr); gap: 0.6rem }
  figure, .tile, tr, .parts { break-inside: avoid }
  h2, h3, caption { break-after: avoid }
  footer { break-before: avoid }
  h2 { margin-top: 1.6rem }
  .scroll { overflow: visible }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
""".strip()

_FONT: Final = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", Arial, sans-serif'


def colours() -> str:
    """Return the rules that set the colours: by the reader's choice, and on paper always the light ones."""
    return "\n".join(
        (
            f":root {{ color-scheme: light dark; --font: {_FONT}; {variables(LIGHT)} }}",
            f"@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}",
            f"@media print {{ :root {{ color-scheme: light; {variables(LIGHT)} }} }}",
        )
    )
