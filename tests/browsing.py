"""Opening a page in a browser, and what can be wrong with it: requests, script errors, width, accessibility."""

import json
import shutil

from axe_playwright_python.base import AXE_SCRIPT

from modularity import environment

CHROMIUM = environment.named("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
OPTIONS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]

# What sticks out of the screen and lies in nothing that scrolls, and the page itself where it is too wide. Formulas
# carry a hidden copy for screen readers.
TOO_WIDE = """() => {
  const root = document.documentElement, width = root.clientWidth;
  const scrolls = e => e !== root && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const out = e => e.getBoundingClientRect().right > width + 1 && e.checkVisibility({visibilityProperty: true})
    && !e.closest("mjx-assistive-mml") && !scrolls(e);
  const found = [...document.querySelectorAll("main *")].filter(out);
  return [...(root.scrollWidth > width ? [root] : []), ...found].map(e => e.outerHTML.slice(0, 150));
}"""

# Contrast takes axe long, and most text looks like other text: a code block has hundreds of words in five colours. Of
# all elements with text of their own in the same colour, size and weight on the same grounds, one is checked.
MARK_LOOKS = """() => {
  const grounds = new Map(), seen = new Set();
  const ground = e => {
    if (!e) return "";
    if (!grounds.has(e)) {
      const s = getComputedStyle(e);
      const clear = s.opacity === "1" && s.backgroundColor === "rgba(0, 0, 0, 0)" && s.backgroundImage === "none";
      const own = clear ? "" : [s.opacity, s.backgroundColor, s.backgroundImage, ""].join();
      grounds.set(e, own + ground(e.parentElement));
    }
    return grounds.get(e);
  };
  const speaks = e => [...e.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
  for (const e of document.querySelectorAll("body *")) {
    e.removeAttribute("data-look");
    if (!speaks(e) || !e.checkVisibility({visibilityProperty: true})) continue;
    const s = getComputedStyle(e), look = [s.color, s.fontSize, s.fontWeight, s.textShadow, ground(e)].join();
    if (!seen.has(look)) e.setAttribute("data-look", "");
    seen.add(look);
  }
}"""
# Formulas change widths, and so do fonts; what a script does on its first frame may ask for something or fail.
SETTLED = """async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
}"""
FOLLOWS = "scheme => (document.documentElement.dataset.theme ?? scheme) === scheme"
LOOKS = "{include: [['[data-look]']]}"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]  # landmarks are best practice
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
THE_REST = {"runOnly": {"type": "tag", "values": STANDARDS}, "rules": {"color-contrast": {"enabled": False}}}


def scheme(dark):
    return "dark" if dark else "light"


def visit(browser, address, *, width=1280, dark=False):
    """The opened page, every address it asked for, and every script error."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme(dark))
    context.set_default_timeout(120_000)  # a busy machine is no fault of the page
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda response: errors.append(response.url) if response.status >= 400 else None)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(address, wait_until="load")
    page.evaluate(SETTLED)
    return page, requests, errors


class Opened:
    """A page as found at one width, in the scheme it is opened in and then in the other; what folds is unfolded."""

    def __init__(self, browser, address, *, width, dark, contrast=True, rest=True):
        page, self.requests, self.errors = visit(browser, address, width=width, dark=dark)
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        page.add_style_tag(content="* { transition: none !important }")  # no colour on its way to another
        page.evaluate(AXE_SCRIPT)
        self.title = page.title()
        self.violations = run_axe(page, "document", THE_REST) if rest else []
        self.too_wide, self.faint = {}, {}
        for name in (scheme(dark), scheme(not dark)):
            page.emulate_media(color_scheme=name)
            page.wait_for_function(FOLLOWS, arg=name)  # the theme hears of it a frame later
            self.too_wide[name] = page.evaluate(TOO_WIDE)
            page.evaluate(MARK_LOOKS)
            self.faint[name] = run_axe(page, LOOKS, CONTRAST) if contrast else []
        page.context.close()


def run_axe(page, where, options):
    """What axe finds, a line for each element: rule, element, and what is wrong with it."""
    options = {"resultTypes": ["violations", "incomplete"], "preload": False, **options}
    found = page.evaluate(f"axe.run({where}, {json.dumps(options)}).then(f => [f.violations, f.incomplete])")
    wrong = [(f, n) for f in found[0] for n in f["nodes"]]
    # Text in the very colour of its ground is "to be reviewed" for axe, as it may be hidden on purpose; here none is.
    wrong += [(f, n) for f in found[1] for n in f["nodes"] if any(_of_one_colour(c) for c in n["any"])]
    return [f"{f['id']}: {n['html'][:150]} ({n['failureSummary']})" for f, n in wrong]


def _of_one_colour(check):
    return (check["data"] or {}).get("messageKey") == "equalRatio"
