// Tells the server whose film it is; the regions are in the field #kiosk-regions, all else stays in the browser.
element.addEventListener("submit", (event) => {
  event.preventDefault();
  const visit = window.cxrVisit(event.target);
  if (visit) trigger("named", { visit });
});
