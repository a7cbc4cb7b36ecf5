// Sends films one by one to the kiosk's own route, with the visit they belong to. A file's name stays in this browser.
let stopped = false;

// Whose films they are, from the fields of a form, as headers.
window.cxrVisit = (form) => {
  const value = (selector) => form.querySelector(selector).value.trim();
  const years = value(".years");
  return {
    "x-label": encodeURIComponent(value("input.label")),
    "x-age-years": years && String(value(".unit") === "months" ? Number(years) / 12 : Number(years)),
    "x-sex": value(".sex"),
  };
};

async function send(address, headers, body) {
  const response = await fetch(address, {
    method: "POST", body, headers: { "content-type": "application/octet-stream", ...headers },
  });
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).reason?.sentence || response.statusText);
  return (await response.json()).id;
}

async function handIn(files) {
  const zone = element.querySelector(".picker");
  const bar = zone.querySelector(".progress");
  const line = bar.querySelector("span");
  const headers = window.cxrVisit(element);
  const form = zone.querySelector("form");
  const written = [...form.elements].map((field) => field.value);
  form.reset(); // the next child is another one, and may be written down while films are read
  let ids = [];
  let isNewBatch = true;
  const tell = () => {
    if (ids.length) trigger("films_read", { ids, is_new_batch: isNewBatch, is_again: false });
    ids = [];
    isNewBatch = false;
  };
  stopped = false;
  bar.hidden = false;
  for (let done = 0; done < files.length && !stopped; done += 1) {
    line.textContent = zone.dataset.reading.replace("{done}", done + 1).replace("{total}", files.length);
    bar.querySelector("progress").value = done / files.length;
    try {
      ids.push(await send("films", headers, files[done]));
    } catch (error) {
      const why = error instanceof TypeError ? zone.dataset.offline : error.message;
      line.textContent = zone.dataset.failed.replace("{name}", files[done].name).replace("{why}", why);
      const isBlank = !Object.values(window.cxrVisit(element)).some(Boolean);
      if (isBlank) written.forEach((value, at) => (form.elements[at].value = value)); // it is handed in again
      await new Promise((resolve) => setTimeout(resolve, 4000));
    }
    if (done === 0 || done % 5 === 4) tell();
  }
  tell();
  bar.hidden = true;
}

window.cxrScoreAgain = async (id, { turns, flip, invert, crop }) => {
  const turned = { "x-turns": String(turns || 0), "x-flip": flip ? "1" : "", "x-invert": invert ? "1" : "" };
  const again = await send(`films/${id}/again`, { ...turned, "x-crop": (crop || []).join() });
  trigger("films_read", { ids: [again], is_new_batch: true, is_again: true });
};

element.addEventListener("submit", (event) => event.preventDefault());
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
