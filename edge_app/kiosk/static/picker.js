// Sends films one by one to the kiosk's own route; a file's name stays in this browser.
window.cxrNames = window.cxrNames || {};
let stopped = false;

async function send(file) {
  const response = await fetch("films", { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

async function handIn(files) {
  const zone = element.querySelector(".picker");
  const bar = zone.querySelector(".progress");
  const ids = [];
  stopped = false;
  bar.hidden = false;
  zone.classList.add("busy");
  for (let done = 0; done < files.length && !stopped; done += 1) {
    bar.querySelector("span").textContent =
      zone.dataset.reading.replace("{done}", done + 1).replace("{total}", files.length);
    bar.querySelector("progress").value = done / files.length;
    try {
      const answer = await send(files[done]);
      window.cxrNames[answer.id] = files[done].name;
      ids.push(answer.id);
    } catch (error) {
      bar.querySelector("span").textContent = files[done].name + ": " + error.message;
      await new Promise((resolve) => setTimeout(resolve, 2500));
    }
    if (ids.length && (done === 0 || done % 5 === 4)) trigger("films_read", { ids: ids.splice(0) });
  }
  bar.hidden = true;
  zone.classList.remove("busy");
  if (ids.length) trigger("films_read", { ids });
}

element.addEventListener("change", (event) => {
  if (!event.target.matches("input.films")) return;
  const files = [...event.target.files];
  event.target.value = "";
  if (files.length) handIn(files);
});
element.addEventListener("click", (event) => {
  if (event.target.matches(".cancel")) stopped = true;
});
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    element.querySelector(".picker")?.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    element.querySelector(".picker")?.classList.remove("over");
    if (name === "drop" && event.dataTransfer.files.length) handIn([...event.dataTransfer.files]);
  });
}
