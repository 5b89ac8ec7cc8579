"""Headless Chromium, driven over its debugging pipe, to measure and photograph pages."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
_SILENCE = 60.0
_KEY_CODES = {"Tab": 9, "Enter": 13, "Escape": 27}
_PLACE = """
(async () => {{
  const found = [...document.querySelectorAll({kind})].find((each) =>
    each.checkVisibility() && each.textContent.includes({words}));
  if (!found) return null;
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  for (let last = null; ;) {{
    const box = found.getBoundingClientRect();
    if (last && box.left === last.left && box.top === last.top)
      return [box.left + box.width / 2, box.top + box.height / 2];
    found.scrollIntoView({{ block: "center", behavior: "instant" }});
    last = found.getBoundingClientRect();
    await painted();
  }}
}})()
"""
"""A page may still be scrolling smoothly to the fragment of its address."""
_CENTRES = """
(() => {{
  const found = {selectors}.map((selector) => document.querySelector(selector));
  found[0].scrollIntoView({{ block: "center", behavior: "instant" }});
  const boxes = found.map((each) => each.getBoundingClientRect());
  return boxes.map((box) => [box.left + box.width / 2, box.top + box.height / 2]);
}})()
"""
# The program reads descriptor 3 and writes descriptor 4.
_BECOME = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for installation, pipe in enumerate(pipes, 3):
    os.dup2(pipe, installation)
os.execv(sys.argv[3], sys.argv[3:])
"""


def installed() -> str | None:
    """Return the path of the program, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Chromium:
    """One page, at any width. Messages on the pipe are JSON, terminated by a zero byte."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="extraction-chromium-", ignore_cleanup_errors=True)
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", _BECOME, str(theirs_in), str(theirs_out)),
                *(program, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"),
            ],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._out, self._in = os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb")
        self._count = 0
        self._loaded = False
        self._waiting = b""
        self._dragged: list[dict[str, Any]] = []
        self._session: str | None = None
        self._before: str | None = None
        self.requested: list[str] = []
        """The addresses that were requested since the last `open`."""
        self.errors: list[str] = []
        """Errors in the console since the last `open`: refused by the content security policy, raised by scripts."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.enable")
        self._call("Log.enable")
        self._call("Runtime.enable")
        self._call("Network.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._out.close()
        self._in.close()
        self._profile.cleanup()

    def keep_cookie(self, site: str, name: str, value: str) -> None:
        self._call("Network.setCookie", url=site, name=name, value=value)

    def forget_cookies(self) -> None:
        self._call("Network.clearBrowserCookies")

    def open(self, address: str, width: int) -> None:
        """Open an address, and return when the page has loaded."""
        self.errors, self.requested = [], []
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", **metrics)
        self._call("Page.navigate", url=address)
        self._until("Page.loadEventFired")

    def prefer(self, scheme: str) -> None:
        """Prefer a colour scheme, `light` or `dark`.

        `forced` replaces the colours of pages by those of the system, and `still` reduces motion.
        """
        preferences = {"forced": ("forced-colors", "active"), "still": ("prefers-reduced-motion", "reduce")}
        name, value = preferences.get(scheme, ("prefers-color-scheme", scheme))
        self._call("Emulation.setEmulatedMedia", features=[{"name": name, "value": value}])

    def before_pages(self, script: str) -> None:
        """Run a script before those of each page that is opened from now on; it replaces an earlier one."""
        if self._before is not None:
            self._call("Page.removeScriptToEvaluateOnNewDocument", identifier=self._before)
        self._before = self._call("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"]

    def show_on(self, media: str) -> None:
        """Emulate a medium, `screen` or `print`."""
        self._call("Emulation.setEmulatedMedia", media=media)

    def widths(self) -> tuple[int, int]:
        """Return the width of the content and of the window."""
        page, window = self.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        return int(page), int(window)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a script, or of its promise."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def run_scripts(self, run: bool) -> None:
        """Run the scripts of pages, or do not; `evaluate` works in any case."""
        self._call("Emulation.setScriptExecutionDisabled", value=not run)

    def be_in(self, zone: str) -> None:
        """Have the clock of this time zone from the next page on."""
        self._call("Emulation.setTimezoneOverride", timezoneId=zone)

    def until(self, condition: str, seconds: float = 15.0) -> None:
        """Return when a script's condition holds. Raises AssertionError if it never does."""
        end = time.monotonic() + seconds
        while not self.evaluate(condition):
            assert time.monotonic() < end, condition
            time.sleep(0.1)

    def until_loaded(self, condition: str) -> None:
        """Return when a page on which the condition holds has loaded: its address changes before its content."""
        self.until(f"document.readyState === 'complete' && {condition}")

    def press(self, key: str) -> None:
        """Press and release a key, such as `m` or `ArrowDown`."""
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        code = {"windowsVirtualKeyCode": _KEY_CODES[key]} if key in _KEY_CODES else {}
        self._call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, **text, **code)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, **code)

    def press_and_load(self, key: str) -> None:
        """Press a key that opens another page, and return when that has loaded."""
        self._loaded = False
        self.press(key)
        while not self._loaded:
            self._read()

    def type(self, text: str) -> None:
        """Type into the field that has the focus."""
        self._call("Input.insertText", text=text)

    def fill(self, name: str, text: str) -> None:
        """Replace the text of a field, which is found by its name."""
        self.evaluate(f"document.querySelector('main [name={json.dumps(name)}]').select()")
        self.type(text)

    def click(self, words: str, kind: str = "a, button, summary") -> None:
        """Click the first visible link, button or summary whose text contains `words`, at its place on the screen.

        `kind` is another selector.
        """
        # Chromium drops input until it has painted the first frame of a page.
        self.evaluate("new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))")
        found = self.evaluate(_PLACE.format(kind=json.dumps(kind), words=json.dumps(words)))
        assert found, f"nothing to click with {words!r} on {self.evaluate('location.href')}"
        for event in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=event, x=found[0], y=found[1], button="left", clickCount=1)

    def click_and_load(self, words: str, kind: str = "a, button") -> None:
        """Click what opens another page, and return when that has loaded."""
        self._loaded = False
        self.click(words, kind)
        while not self._loaded:
            self._read()

    def drag(self, source: str, target: str) -> None:
        """Drag an element onto another one with the mouse. Both are found by selectors, and near each other."""
        (x, y), (to_x, to_y) = self.evaluate(_CENTRES.format(selectors=json.dumps([source, target])))
        self._dragged.clear()
        self._call("Input.setInterceptDrags", enabled=True)
        self._call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)
        while not self._dragged:
            x += 4
            self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
        for event in ("dragEnter", "dragOver", "drop"):
            self._call("Input.dispatchDragEvent", type=event, x=to_x, y=to_y, data=self._dragged[0])
        self._call("Input.dispatchMouseEvent", type="mouseReleased", x=to_x, y=to_y, button="left", clickCount=1)
        self._call("Input.setInterceptDrags", enabled=False)

    def reload(self) -> None:
        """Load the page again, which submits its form again, and return when it has loaded."""
        self._loaded = False
        self._call("Page.reload")
        while not self._loaded:
            self._read()

    def accessible(self, selector: str) -> dict[str, Any]:
        """Return what assistive technology is told about an element: its role, its name and its properties."""
        element = self._call("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")["result"]
        assert "objectId" in element, f"{selector} is not on the page"
        tree = self._call("Accessibility.getPartialAXTree", objectId=element["objectId"], fetchRelatives=False)
        node = tree["nodes"][0]
        about = {each["name"]: each["value"].get("value") for each in node.get("properties", ())}
        named = {each: node[each]["value"] for each in ("role", "name") if each in node}
        return about | named | {"ignored": node["ignored"]}

    def screenshot(self, path: Path) -> None:
        answer = self._call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._count += 1
        message: dict[str, object] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while (answer := self._read()).get("id") != self._count:
            pass
        assert "error" not in answer, f"{method}: {answer}"
        result: dict[str, Any] = answer["result"]
        return result

    def _until(self, event: str) -> None:
        while self._read().get("method") != event:
            pass

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            readable, _, _ = select.select([self._in], [], [], _SILENCE)
            assert readable, "nothing has happened in Chromium for a minute"
            received = os.read(self._in.fileno(), 65_536)
            assert received, "Chromium ended"
            self._waiting += received
        line, _, self._waiting = self._waiting.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        parameters = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requested.append(parameters["request"]["url"])
        elif message.get("method") == "Page.loadEventFired":
            self._loaded = True
        elif message.get("method") == "Input.dragIntercepted":
            self._dragged.append(parameters["data"])
        if message.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(parameters["exceptionDetails"]["text"]))
        return message
