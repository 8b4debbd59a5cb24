"""The explorer's page of the built book, from a local server, on a slow machine.

Claim: its picture is drawn within a second of asking for the page, in a browser whose processor is slowed down four
times (Chromium's own throttling), with nothing in its cache. Beside it stands the floor: when the browser first paints
anything of the page, which waits for the theme's style and scripts and not for the explorer. On a machine that is busy
both say more of the machine than of the page. What the page's thread has used of the slowed processor by then does not
depend on that.
"""

import shutil
import statistics
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from modularity import environment

TARGET = 1.0  # seconds
SLOWER = 4  # times
VISITS = 9
HTML = Path(__file__).parents[1] / "_build" / "html"
PAGE = "book/explorer.html"
DRAWN = "performance.getEntriesByName('explorer-drawn')[0]?.startTime"  # the script's own mark, since navigation
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


def visit(browser: Browser, address: str) -> tuple[float, float, float]:
    """Seconds until the picture is drawn, until anything is painted, and of the processor, with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address, wait_until="commit")
    page.wait_for_function(f"{DRAWN} && {PAINTED}")
    spent = {metric["name"]: metric["value"] for metric in tools.send("Performance.getMetrics")["metrics"]}
    made = page.evaluate(DRAWN) / 1000, page.evaluate(PAINTED) / 1000, spent["TaskDuration"]
    context.close()
    return made


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HTML
    if not (folder / PAGE).is_file():
        print(f"error: {folder} has no {PAGE}; run `make book`, or name the folder of a built book", file=sys.stderr)
        return 2
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        chromium = environment.named("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        address = f"http://127.0.0.1:{server.server_port}/{PAGE}"
        visits = [visit(browser, address) for _ in range(VISITS)]
        browser.close()
    server.shutdown()
    drawn, painted, spent = (statistics.median(times) for times in zip(*visits, strict=True))
    least = min(visits)[0]
    print(
        f"{PAGE}, processor {SLOWER} times slower: drawn after {drawn:.2f} s (median of {VISITS}, least {least:.2f}; "
        f"target {TARGET:g}), {drawn / painted:.1f} times its floor of {painted:.2f} s; of the processor the page "
        f"has used {spent:.2f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
