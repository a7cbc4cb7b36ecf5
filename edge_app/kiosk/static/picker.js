// Sends films one by one to the kiosk's own route, with the visit they belong to. A file's name stays in this browser.
let stopped = false;
const NUMERALS = "0123456789٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९"; // of the keyboards of the page's languages

// What was typed, as a number; a comma is a decimal point. NaN for what is none. A field for numbers would drop signs
// instead: "2,5" became 25, and "12-" nothing.
function numberOf(typed) {
  const plain = typed.replace(/\p{Nd}/gu, (digit) => NUMERALS.indexOf(digit) % 10).replace(/[,٫]/, ".");
  return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : NaN;
}

// Whose films they are, from the fields of a form, as headers; null, and the form says why, if the age cannot be one.
window.cxrVisit = (form) => {
  const value = (selector) => form.querySelector(selector).value.trim();
  const field = form.querySelector(".years"), typed = value(".years"), age = numberOf(typed);
  const isAge = typed === "" || age <= Number(field.dataset.most);
  const note = form.querySelector(".no-age");
  note.hidden = isAge;
  if (!isAge) field.focus();
  field.oninput = () => (note.hidden = true); // it is being corrected
  return isAge ? {
    "x-label": encodeURIComponent(value("input.label")),
    "x-age-years": typed && String(value(".unit") === "months" ? age / 12 : age),
    "x-sex": value(".sex"),
  } : null;
};

async function send(address, headers, body) {
  const response = await fetch(address, {
    method: "POST", body, headers: { "content-type": "application/octet-stream", ...headers },
  });
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).reason?.sentence || response.statusText);
  return (await response.json()).id;
}

async function handIn(files) {
  const headers = window.cxrVisit(element);
  if (!headers) return;
  const zone = element.querySelector(".picker");
  const bar = zone.querySelector(".progress");
  const line = bar.querySelector("span");
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
      const isBlank = ![...form.querySelectorAll(".label, .years, .sex")].some((field) => field.value.trim());
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
  if (event.target.matches("input.films") && !window.cxrVisit(element)) event.preventDefault(); // before files are chosen
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
