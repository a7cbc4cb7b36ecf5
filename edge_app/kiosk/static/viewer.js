// Looking at a film: mode, heatmap strength, window, invert, zoom and pan. All in the browser.
const START = { mode: "heat", opacity: 100, brightness: 100, contrast: 100, invert: false, adjusting: false, zoom: 1, x: 0, y: 0 };
let view = { ...START };
let shown = "";
let drag = null;
let marking = false;
let region = []; // left, top, right, bottom as fractions of the film

function apply() {
  const root = element.querySelector(".viewer");
  if (!root) return;
  if (root.dataset.id !== shown) {
    shown = root.dataset.id;
    view = { ...view, zoom: 1, x: 0, y: 0 };
    region = [];
    marking = false;
  }
  root.dataset.mode = view.mode;
  root.classList.toggle("adjusting", view.adjusting);
  root.style.setProperty("--opacity", view.opacity / 100);
  const filter = `brightness(${view.brightness}%) contrast(${view.contrast}%) invert(${view.invert ? 1 : 0})`;
  root.style.setProperty("--window", filter);
  root.style.setProperty("--place", `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`);
  for (const button of root.querySelectorAll("[data-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.set === view.mode));
  }
  for (const slider of root.querySelectorAll("[data-slide]")) slider.value = view[slider.dataset.slide];
  root.querySelector('[data-do="invert"]').setAttribute("aria-pressed", String(view.invert));
  root.querySelector('[data-do="mark"]').setAttribute("aria-pressed", String(marking));
  root.classList.toggle("marking", marking);
  const mark = root.querySelector(".mark");
  mark.hidden = region.length === 0;
  if (region.length) {
    const [left, top, right, bottom] = region.map((end) => 100 * end);
    mark.style.cssText = `left:${left}%;top:${top}%;width:${right - left}%;height:${bottom - top}%`;
  }
}

// Where a pointer is on the film, as fractions; the film may be zoomed and moved.
function placeOf(event, film) {
  const box = film.getBoundingClientRect();
  const within = (value) => Math.min(1, Math.max(0, value));
  return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
}

function zoomBy(factor) {
  view.zoom = Math.min(8, Math.max(1, view.zoom * factor));
  if (view.zoom === 1) view.x = view.y = 0;
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.set) view.mode = button.dataset.set;
  if (button.dataset.do === "in") zoomBy(1.4);
  if (button.dataset.do === "out") zoomBy(1 / 1.4);
  if (button.dataset.do === "invert") view.invert = !view.invert;
  if (button.dataset.do === "mark") {
    marking = !marking;
    if (marking) view.mode = "heat";
    if (region.length) { region = []; trigger("marked", { region }); }
  }
  if (button.dataset.do === "adjust") view.adjusting = !view.adjusting;
  if (button.dataset.do === "reset") view = { ...START, mode: view.mode, adjusting: view.adjusting };
  apply();
});
element.addEventListener("input", (event) => {
  if (!event.target.dataset.slide) return;
  view[event.target.dataset.slide] = Number(event.target.value);
  apply();
});
element.addEventListener("wheel", (event) => {
  if (!event.target.closest(".stage")) return;
  event.preventDefault();
  zoomBy(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  apply();
}, { passive: false });
element.addEventListener("keydown", (event) => {
  if (!event.target.closest(".stage")) return;
  const step = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
  if (step && view.zoom > 1) { view.x += step[0]; view.y += step[1]; event.preventDefault(); }
  if (event.key === "+" || event.key === "=") zoomBy(1.4);
  if (event.key === "-") zoomBy(1 / 1.4);
  if (event.key === "i") view.invert = !view.invert;
  apply();
});
element.addEventListener("pointerdown", (event) => {
  const pane = event.target.closest(".pane");
  if (!pane || !(marking || view.zoom > 1)) return;
  event.preventDefault();
  if (marking) {
    const film = pane.querySelector(".film");
    drag = { film, from: placeOf(event, film) };
    return;
  }
  drag = { x: event.clientX - view.x, y: event.clientY - view.y };
});
document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  if (drag.film) {
    const [x, y] = placeOf(event, drag.film);
    const [x0, y0] = drag.from;
    region = [Math.min(x, x0), Math.min(y, y0), Math.max(x, x0), Math.max(y, y0)];
    return apply();
  }
  view.x = event.clientX - drag.x;
  view.y = event.clientY - drag.y;
  apply();
});
document.addEventListener("pointerup", () => {
  const marked = drag && drag.film;
  drag = null;
  if (!marked) return;
  marking = false;
  if (region.length && region[2] - region[0] < 0.01) region = [];
  trigger("marked", { region });
  apply();
});
watch("value", apply);
apply();
