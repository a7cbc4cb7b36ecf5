// A click on a film asks for it.
element.addEventListener("click", (event) => {
  const row = event.target.closest("[data-id]");
  if (row) trigger("pick", { id: row.dataset.id });
});
