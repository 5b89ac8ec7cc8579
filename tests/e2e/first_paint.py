"""First contentful paint of a page in Chromium, on a phone's width: `python -m tests.e2e.first_paint ADDRESS`."""

import statistics
import sys

from tests.e2e.chromium import Chromium, installed

OPENED, WARM_UP = 23, 3
_TIMES = """
new Promise((resolve) => new PerformanceObserver((list) => {
  const paint = list.getEntriesByName("first-contentful-paint")[0];
  const page = performance.getEntriesByType("navigation")[0];
  if (paint) resolve([paint.startTime, page.responseStart, performance.getEntriesByType("resource").length + 1]);
}).observe({ type: "paint", buffered: true }))
"""


def main(address: str) -> None:
    """Open the page repeatedly, and print medians in milliseconds."""
    program = installed()
    assert program, "install Chromium"
    with Chromium(program) as chromium:
        seen = []
        for _ in range(OPENED):
            chromium.open(address, 390)
            seen.append(chromium.evaluate(_TIMES))
    paint, first_byte, requests = zip(*seen[WARM_UP:], strict=True)
    painted, answered = statistics.median(paint), statistics.median(first_byte)
    sys.stdout.write(
        f"first contentful paint {painted:.0f} ms (slowest {max(paint):.0f}), of which the server {answered:.0f} ms\n"
        f"{max(requests)} requests\n"
    )


if __name__ == "__main__":
    main(sys.argv[1])
