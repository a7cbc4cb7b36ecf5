// The rooms; and the language list: kept in a cookie of this kiosk, then the page is reloaded.
// Other pages lead here with the room's name: ./#read
const room = location.hash.slice(1);
if (room) {
  history.replaceState(null, "", location.pathname);
  trigger("room", { room });
}
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-room]");
  if (button) trigger("room", { room: button.dataset.room });
});
element.addEventListener("change", (event) => {
  if (!event.target.matches("select.language")) return;
  document.cookie = `cxr_language=${event.target.value}; path=/; max-age=31536000; samesite=strict`;
  location.reload();
});
