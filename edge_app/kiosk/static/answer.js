// The reader's own impression, asked before the model's answer is shown.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-finding]");
  if (button) trigger("impression", { finding: button.dataset.finding });
});
