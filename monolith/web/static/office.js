// Keeps the calendar current, and lets appointments be dragged, or moved by keyboard: M, arrows, Enter, Escape.
// Everything works without it: an appointment's page has the form "Move".

const live = document.querySelector("[data-live]");
const announcement = document.getElementById("announce");
const texts = announcement.dataset;
const announce = (text) => { announcement.textContent = text; };
let carried = null;
let shown = live.innerHTML;

async function refresh() {
  if (document.hidden || carried) return;
  const reply = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!reply.ok || reply.redirected) return;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const fresh = page.querySelector("[data-live]");
  if (!fresh || carried || fresh.innerHTML === shown) return;
  shown = fresh.innerHTML;
  replace(fresh);
}

function replace(fresh) {
  const board = live.querySelector(".board");
  const [left, top] = board ? [board.scrollLeft, board.scrollTop] : [0, 0];
  const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  live.replaceChildren(...fresh.childNodes);
  live.querySelector(".board")?.scrollTo(left, top);
  if (focused) live.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function confirmMove(card, free) {
  const query = new URLSearchParams({ at: free.dataset.at, provider: free.dataset.provider });
  location.href = `${card.dataset.move}?${query}`;
}

live.addEventListener("dragstart", (event) => {
  carried = event.target.closest("[data-move]");
  if (carried) event.dataTransfer.effectAllowed = "move";
});
live.addEventListener("dragover", (event) => {
  const free = event.target.closest(".free");
  live.querySelector(".target")?.classList.remove("target");
  if (!carried || !free) return;
  event.preventDefault();
  free.classList.add("target");
});
live.addEventListener("drop", (event) => {
  const free = event.target.closest(".free");
  if (carried && free) { event.preventDefault(); confirmMove(carried, free); }
});
live.addEventListener("dragend", () => { carried = null; });

live.addEventListener("keydown", (event) => {
  const here = document.activeElement;
  if (!carried && event.key.toLowerCase() === "m" && here.dataset.move) {
    carried = here;
    announce(texts.choose);
    step(0, 0);
  } else if (carried && event.key === "Escape") {
    const back = carried;
    carried = null;
    back.focus();
    announce(texts.kept);
  } else if (carried && event.key === "Enter" && here.dataset.at) {
    event.preventDefault();
    confirmMove(carried, here);
  } else if (carried && event.key.startsWith("Arrow")) {
    event.preventDefault();
    step({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0, { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0);
  }
});

// Focuses a free time: the next one in the column, or the nearest in a neighbouring column.
function step(columns, times) {
  const here = document.activeElement;
  const all = [...live.querySelectorAll(".column")].map((column) => [...column.querySelectorAll(".free")]);
  const at = all.findIndex((column) => column[0]?.closest(".column").contains(here));
  const near = here.getBoundingClientRect().top;
  let target;
  if (times && here.dataset.at) target = all[at][all[at].indexOf(here) + times];
  else for (let next = at + columns; all[next] && !target; next += columns || all.length)
    target = [...all[next]].sort((a, b) => distance(a, near) - distance(b, near))[0];
  // A screen reader says what has the focus: an announcement would replace the instructions.
  target?.focus();
}

const distance = (element, top) => Math.abs(element.getBoundingClientRect().top - top);

// Opens at the present time, or at the first time that is booked or free.
const board = live.querySelector(".board");
const first = live.querySelector(".now") ?? live.querySelector(".card, .free");
if (board && first) board.scrollTop += first.getBoundingClientRect().top - board.getBoundingClientRect().top - 120;

refresh();
setInterval(refresh, 4000);
