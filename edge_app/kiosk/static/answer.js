// The reader's own impression, asked first; and what is done about a refused film.
const TURNED = ["turns", "flip", "invert"];
let orientation = null;

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.finding) trigger("impression", { finding: button.dataset.finding });
  if (button.matches(".seen-to")) trigger("seen_to", {});
  if (button.matches(".again")) window.cxrScoreAgain(element.querySelector(".answer").dataset.id, orientation);
});
// Gradio gives each finding a name of its own, and so a tab stop: with one name they are one, with arrows inside.
function groupFindings() {
  for (const choice of document.querySelectorAll("#kiosk-finding input")) choice.name = "finding";
}
new MutationObserver(groupFindings).observe(document.body, { childList: true, subtree: true });
groupFindings();
document.addEventListener("film-viewer:orientation", (event) => {
  orientation = event.detail;
  const again = element.querySelector(".again");
  const held = (window.cxrFiles || new Map()).has(element.querySelector(".answer")?.dataset.id);
  if (again) again.hidden = !held || !TURNED.some((way) => orientation[way]);
});
