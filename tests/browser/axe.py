"""What axe-core finds wrong with a page, and what is too small or too wide on it."""

from __future__ import annotations

from playwright.sync_api import Page
from running_system import ROOT

_AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
_FAULTS = """
async (rules) => {
  const which = rules === null ? {} : {runOnly: {type: "rule", values: rules}};
  const {violations} = await axe.run(document, {resultTypes: ["violations"], preload: false, ...which});
  const found = violations.flatMap(({id, nodes}) => nodes.map(({html}) => `${id} ${html}`));
  const small = [...document.querySelectorAll("button, select, .field, label.button")]
    .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 56)
    .map((element) => `small: ${element.dataset.testid ?? element.className}`);
  const {scrollWidth, clientWidth} = document.documentElement;
  const wide = scrollWidth > clientWidth ? [`${scrollWidth - clientWidth} pixels wider than the screen`] : [];
  return [...found, ...small, ...wide];
}
"""


def faults_of(page: Page, rules: list[str] | None = None) -> list[str]:
    """Everything wrong by these rules of axe, or by all; with targets under 56 pixels, and what sticks out."""
    if not page.evaluate("'axe' in globalThis"):
        # Evaluated by the browser's own debugger, so the page's policy against foreign scripts stays as it is.
        page.evaluate(_AXE)
    found: list[str] = page.evaluate(_FAULTS, rules)
    return found
