// The reader's own impression, asked first; and what is done about a film that was refused or should be cropped.
const CHANGES = ["turns", "flip", "invert", "crop"];
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
  if (!again) return;
  again.hidden = !CHANGES.some((way) => orientation[way]);
  again.dataset.whole ??= again.textContent;
  again.textContent = orientation.crop ? again.dataset.part : again.dataset.whole;
  again.scrollIntoView({ block: "nearest" });
});
