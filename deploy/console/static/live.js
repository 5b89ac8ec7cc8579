// Keeps the live part of a page current: by server-sent events, or by polling where the server has no stream to spare.
// Nothing is requested while the tab is hidden. Without this script, a page shows the state at its time.
(() => {
  const region = document.querySelector("[data-live]");
  const status = document.getElementById("status");
  if (!region || !status) return;
  const address = region.dataset.live;
  let source = null, timer = null, received = Date.now(), at = status.dataset.rendered;

  const say = () => {
    const stale = Date.now() - received > 5000;
    document.body.classList.toggle("stale", stale);
    const text = stale ? `Not updated since ${at} UTC; reconnecting` : `Live · as of ${at} UTC`;
    if (status.textContent !== text) status.textContent = text;
  };

  const show = (update) => {
    received = Date.now();
    at = update.at;
    // What the reader is typing in, or has focused, must not vanish under them.
    if (update.html !== null && !(region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"))) {
      const opened = [...region.querySelectorAll("details[open]")].map((each) => each.id);
      const focused = region.contains(document.activeElement) ? document.activeElement.id : "";
      region.innerHTML = update.html;
      opened.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }
    say();
  };

  const poll = async () => {
    try {
      const reply = await fetch(`${address}?once`, { headers: { Accept: "application/json" } });
      if (reply.status === 401) return location.reload();
      if (reply.ok) show(await reply.json());
    } catch { /* the next poll tries again */ }
    say();
  };

  const stop = () => {
    source?.close();
    clearInterval(timer);
    source = timer = null;
  };

  const start = () => {
    stop();
    source = new EventSource(address);
    source.onmessage = (event) => show(JSON.parse(event.data));
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return;
      stop();
      poll();
      timer = setInterval(poll, 2000);
    };
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  window.addEventListener("pagehide", stop);
  setInterval(say, 1000);
  if (!document.hidden) start();
})();
