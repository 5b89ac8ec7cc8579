// Detects the visitor's time zone, suggests it for a new business, counts down a hold, and shows no outdated page after Back. Every page works without it.
// Its texts are those of the page, in the language of the page.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const suggested = document.querySelector("[data-suggest]");
if (suggested?.list.querySelector(`option[value="${CSS.escape(zone ?? "")}"]`)) suggested.value = zone;

const detect = document.querySelector("[data-detect]");
if (detect) {
  const zoned = (address) => {
    const url = new URL(address, location.href);
    url.searchParams.set("zone", zone);
    return url.href;
  };
  // Browsers that hide where they are report UTC.
  if (zone?.includes("/") && !zone.startsWith("Etc/") && zone !== detect.dataset.zone) {
    if (detect.dataset.detect === "links") {
      for (const link of document.querySelectorAll('main a[href^="/b/"]')) link.href = zoned(link.href);
      for (const form of document.querySelectorAll('main form[method="get"]')) {
        form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "zone", value: zone }));
      }
    } else if (!location.pathname.endsWith("/hold")) {
      location.replace(zoned(location.href));
    }
  }
}

const held = document.getElementById("held");
if (held) {
  // The server's clock decides: only the time since the page was loaded is measured here.
  const left = held.dataset.until - held.dataset.now;
  const until = held.textContent;
  const status = document.getElementById("countdown");
  const announced = new Set();
  const tick = () => {
    const seconds = Math.ceil((left - performance.now()) / 1000);
    if (seconds <= 0) {
      clearInterval(timer);
      held.textContent = held.dataset.ended;
      status.textContent = held.textContent;
      return;
    }
    const minutes = Math.floor(seconds / 60);
    const time = `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
    held.textContent = `${until} ${held.dataset.left.replace("{time}", time)}`;
    for (const mark of [5, 2, 1]) {
      if (seconds <= mark * 60 && seconds > mark * 60 - 10 && !announced.has(mark)) {
        announced.add(mark);
        status.textContent = held.dataset[`mark${mark}`];
      }
    }
  };
  const timer = setInterval(tick, 1000);
  tick();
}

addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
