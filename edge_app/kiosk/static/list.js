// A click on a row asks for that film; file names are filled in from this browser's memory.
function fillNames() {
  for (const place of element.querySelectorAll(".name")) {
    place.textContent = (window.cxrNames || {})[place.dataset.id] || "";
  }
}
element.addEventListener("click", (event) => {
  const row = event.target.closest("button.case");
  if (row) trigger("pick", { id: row.dataset.id });
});
watch("value", fillNames);
fillNames();
