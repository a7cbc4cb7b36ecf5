// The page: one film at a time, its answer in one plain line, and what to do next. Films stay in memory.

import { rules } from "./rules.js";
import { openBundle, readTexts, sha256, unpacked } from "./bundle.js";
import { modelPixels } from "./prepare.js";
import { MOST_PX, drawContour, drawFilm } from "./contour.js";
import { readFilm } from "./film.js";
import { Reader } from "./reading.js";

const part = (id) => document.getElementById(id);
const SYMBOLS = rules.symbols;
const MAX_SAVED_BYTES = (rules.limits.MAX_FILE_BYTES * 3) / 4 - 2 ** 16; // in base 64 a kiosk still takes it
const TYPE_SIZES = ["100%", "125%", "150%"];
let language = "en";
let texts = {}; // by language
let shown = null; // {name, content, age, json, film, evidence, box} of the film on the screen
let lastRead = Promise.resolve(); // films are read one after another; settles when none is being read
const OLDEST_YEARS = 120;
const NUMERALS = "0123456789٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९"; // of the keyboards of the page's languages

/** A text in the page's language, its {gaps} filled. */
function say(key, values = {}) {
  const text = texts[language][key] ?? texts.en[key] ?? "";
  return text.replace(/\{(\w+)\}/g, (_, gap) => values[gap] ?? "");
}

function element(kind, text, className = "") {
  return Object.assign(document.createElement(kind), { textContent: text, className });
}

const started = (async () => {
  texts = readTexts(await unpacked(part("texts").textContent));
  const reader = new Reader(await openBundle(await unpacked(part("bundle").textContent)));
  setUpLanguages(reader.card);
  part("phantom").hidden = !reader.card.phantom;
  part("failed").remove();
  for (const room of document.querySelectorAll("main, nav")) room.hidden = false;
  return reader;
})();
started.catch((error) => {
  part("failed").textContent = error.message;
  part("failed").style.cssText = "visibility: visible; animation: none";
});

/** For the console and the tests: `await phone.answer(bytes, age)`. */
globalThis.phone = { started, answer: async (content, age) => (await started).answer(content, age), modelPixels, sha256 };

part("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  target.value = ""; // the same film may be chosen again
  part("years").value = part("label").value = "";
  part("no-age").hidden = true;
  afterOthers(async () => readFile(file.name, new Uint8Array(await file.arrayBuffer()), null));
});

part("years").addEventListener("change", readAge);
part("visit").addEventListener("submit", (event) => event.preventDefault());

/** Reads after what is being read, even if that failed. */
function afterOthers(read) {
  lastRead = lastRead.then(read, read);
  return lastRead;
}

/** The age in the field, in completed years: null for an empty field, NaN for what is no such age. */
function typedAge() {
  const typed = part("age").hidden ? "" : part("years").value.trim();
  const plain = typed.replace(/\p{Nd}/gu, (digit) => NUMERALS.indexOf(digit) % 10);
  if (!plain) return null;
  return /^\d+$/.test(plain) && Number(plain) <= OLDEST_YEARS ? Number(plain) : NaN;
}

/** Reads the film with the age in the field, unless it was; false if that is none, which the page then says. */
async function readAge() {
  const age = typedAge();
  part("no-age").hidden = !Number.isNaN(age);
  if (Number.isNaN(age)) return false;
  await afterOthers(() => shown && shown.age !== age && readFile(shown.name, shown.content, age));
  return true;
}

async function readFile(name, content, age) {
  part("answer").replaceChildren(element("p", say("phone_reading")));
  await new Promise((resolve) => setTimeout(resolve, 30)); // lets the browser show it
  const read = shown = { name, content, age, ...(await (await started).answer(content, age)) };
  showFilm();
  showAnswer();
  part("answer").scrollIntoView({ block: "nearest" });
  setTimeout(() => sharpen(read), 30); // nothing waits for it
}

/** The model needs few pixels and a person many: draws the film once more, in the resolution of a screen. */
async function sharpen(read) {
  const { film, content, evidence, box } = read;
  if (!film || film.width * film.height === film.widthPx * film.heightPx) return;
  const sharp = await readFilm(content, MOST_PX / 2);
  if (shown !== read) return;
  drawFilm(part("picture"), sharp);
  const scale = sharp.width / film.width, ends = Object.entries(box ?? {}).map(([end, at]) => [end, at * scale]);
  if (evidence) drawContour(part("contour"), sharp, evidence, Object.fromEntries(ends));
}

function showFilm() {
  const { film, evidence, box, name } = shown;
  part("start").hidden = true;
  part("film").hidden = !film;
  if (film) drawFilm(part("picture"), film);
  part("picture").setAttribute("aria-label", say("film_alt", { id: name }));
  part("where").hidden = !evidence;
  part("save").hidden = shown.content.length > MAX_SAVED_BYTES;
  part("hand").hidden = part("save").hidden || !rules.isKiosks;
  part("handed").replaceChildren();
  showContour(false);
  if (evidence) drawContour(part("contour"), film, evidence, box);
}

function showContour(isShown) {
  part("contour").hidden = !isShown;
  part("where").setAttribute("aria-pressed", isShown);
}
part("where").addEventListener("click", () => showContour(part("contour").hidden));

function showAnswer() {
  if (!shown) return;
  const { json, film } = shown, { card } = reading;
  const place = part("answer");
  place.className = json.decision ?? "refused";
  place.replaceChildren(...(json.status === "ok" ? decisionParts(json) : refusalParts(json.reason)));
  part("visit").hidden = false;
  part("age").hidden = !film || film.ageYears !== null;
  const [youngest, oldest] = card.training.age_range_years || rules.filmChecks.DEFAULT_RANGE_YEARS;
  part("age-question").textContent = say("phone_age", { youngest, oldest });
}

function decisionParts(json) {
  const points = (probability) => Math.round(100 * probability);
  const point = say(`point_${json.operating_point}`) || json.operating_point;
  const threshold = say("threshold_at", { threshold: points(json.threshold), point });
  const parts = [
    element("p", say("draft"), "tag"),
    element("h2", `${SYMBOLS[json.decision] ?? ""} ${say(`decision_${json.decision}`)}`),
    element("p", say(`why_${json.decision}`)),
    element("p", `${say("score")}: ${say("score_of_100", { score: points(json.p_pneumonia) })} · ${threshold}`, "soft"),
  ];
  if (json.evidence_place) {
    const { side, third } = json.evidence_place;
    const words = [say(`side_${side}`), ...(third === "all" ? [] : [say(`third_${third}`)])].join(", ");
    parts.push(element("p", `${say("report_place")}: ${words}`, "soft"));
  }
  if (json.warnings.length) {
    const list = element("ul", "");
    list.append(...json.warnings.map((code) => element("li", say(`warning_${code}`))));
    parts.push(element("b", say("warnings")), list);
  }
  return parts;
}

function refusalParts({ code, sentence }) {
  const text = language === "en" ? sentence : say(`refusal_${code}`) || sentence;
  return [element("h2", say("refused")), element("p", text), element("p", say("refused_code", { code }), "soft")];
}

let reading = null;

function setUpLanguages(card) {
  reading = { card };
  const own = location.hash.slice(1);
  const wanted = [own, ...navigator.languages.map((tag) => tag.toLowerCase().split("-")[0])];
  const choice = part("language");
  for (const code of Object.keys(texts)) {
    const name = new Intl.DisplayNames([code], { type: "language" }).of(code);
    choice.append(Object.assign(element("option", name), { value: code }));
  }
  choice.value = wanted.find((code) => code in texts) ?? "en";
  choice.addEventListener("change", () => {
    history.replaceState(null, "", `#${choice.value}`); // kept in the address: nothing is stored
    showTexts(choice.value);
  });
  showTexts(choice.value);
}

function showTexts(code) {
  language = code;
  Object.assign(document.documentElement, { lang: code, dir: say("direction") });
  document.title = say("app_name");
  for (const each of document.querySelectorAll("[data-say]")) each.textContent = say(each.dataset.say);
  part("larger").setAttribute("aria-label", `A+ ${say("phone_larger")}`);
  const { card } = reading;
  const facts = {
    model: `${card.name} ${card.version}`, intended_use: card.intended_use, not_checked: card.not_checked.join("; "),
    phone_hash: rules.bundle.sha256, phone_kit: rules.kit, phone_update_key: rules.updateKey || "–", phone_licence: `${card.data_licence}: ${card.data_attribution}`,
  };
  part("facts").replaceChildren(...Object.entries(facts).flatMap(([key, text]) => [
    element("dt", say(key)), Object.assign(element("dd", text), { dir: "ltr", lang: "en" })]));
  showAnswer();
}

part("larger").addEventListener("click", () => {
  const root = document.documentElement;
  const now = TYPE_SIZES.indexOf(root.style.fontSize || TYPE_SIZES[0]);
  root.style.fontSize = TYPE_SIZES[(now + 1) % TYPE_SIZES.length];
});

/** What is shown, with the film in it, as edge_app/workflow/phone_draft.py reads it. */
async function draft() {
  const { name, json, content, age, film } = shown;
  const visit = { age_years: film?.ageYears ?? age, label: part("label").value.trim() };
  const address = await new Promise((done, failed) => {
    const reader = Object.assign(new FileReader(), { onload: () => done(reader.result), onerror: failed });
    reader.readAsDataURL(new Blob([content]));
  });
  const added = { film_sha256: sha256(content), ...visit, saved_at: new Date().toISOString() };
  return { file: name, ...json, ...added, film: address.split(",")[1] };
}

/**
 * Does something with the draft, once. Tapping a button ends typing an age, and the draft waits until the film was read
 * with it; so the buttons are not disabled by the reading, or this tap would be lost, but by the tap.
 */
async function withDraft(act) {
  const buttons = [part("save"), part("hand")];
  for (const button of buttons) button.disabled = true;
  try {
    if (await readAge()) await act();
    else part("years").focus();
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

part("save").addEventListener("click", () => withDraft(save));
part("hand").addEventListener("click", () => withDraft(handOver));

async function save() {
  const saved = await draft();
  const address = URL.createObjectURL(new Blob([`${JSON.stringify(saved, null, 1)}\n`], { type: "application/json" }));
  const link = Object.assign(element("a", ""), { href: address, download: `draft-${saved.film_sha256.slice(0, 12)}.json` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function handOver() {
  const place = part("handed"), { json } = shown;
  try {
    const answer = await fetch("../films", { method: "POST", body: JSON.stringify(await draft()) });
    const logIn = { href: "../login", target: "_blank" }; // another tab, because the film is in the memory of this one
    const isLoggedOut = answer.status === 401;
    place.replaceChildren(...(isLoggedOut ? [Object.assign(element("a", say("log_in")), logIn)] : handedParts(await answer.json(), json)));
  } catch {
    place.replaceChildren(element("p", say("kiosk_gone")));
  }
  place.scrollIntoView({ block: "nearest" });
}

/** What the kiosk made of the film: its record, and what the phone did not say. */
function handedParts({ id, saved, reason, warnings = [] }, json) {
  const taken = id ? [say("phone_handed_in", { id: `\u2066${id}\u2069` })] : [];
  const news = warnings.filter((code) => !json.warnings?.includes(code)).map((code) => say(`warning_${code}`));
  const lines = [...taken, ...(id && !saved ? [say("not_saved")] : []), ...news].map((text) => element("p", text));
  return [...lines, ...(reason ? refusalParts(reason) : [])];
}

if (location.protocol.startsWith("http")) { // from a folder on a server: installs, and starts without it
  document.head.append(Object.assign(document.createElement("link"), {
    rel: "manifest", href: "manifest.webmanifest", crossOrigin: "use-credentials", // behind a login, too
  }));
  navigator.serviceWorker?.register("sw.js").catch((error) => console.warn(error.message));
}
