// Tells the server whose film it is, and which film and version is shown: an act from here on is about that one. Both
// this and the regions are in hidden fields, #kiosk-shown and #kiosk-regions; all else stays in the browser.
function tellShown() {
  const field = document.querySelector("#kiosk-shown :is(input, textarea)");
  const shown = element.querySelector(".whose")?.dataset.shown ?? "";
  if (!field || field.value === shown) return;
  field.value = shown;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  element.querySelector(".whose form")?.reset(); // what was written there is about what was shown before
}

new MutationObserver(tellShown).observe(element, { childList: true, subtree: true, attributeFilter: ["data-shown"] });
tellShown();
element.addEventListener("submit", (event) => {
  event.preventDefault();
  const visit = window.cxrVisit(event.target);
  if (visit) trigger("named", { visit });
});
