// The patient's age from a DICOM header, in the forms that machines and people write it; the rules are those of
// edge_app/imaging/dicom/age.py.

import { rules } from "./rules.js";

const { age } = rules.dicom;

/** The age at the film in years, null when the file does not say; of two that differ, the higher one. */
export function ageYears(header) {
  const ages = [statedAge(header.text("PatientAge")), ageByDates(header)];
  const known = ages.filter((years) => years !== null && years <= age.OLDEST_YEARS);
  return known.length ? Math.max(...known) : null;
}

function ageByDates(header) {
  const born = date(header.text("PatientBirthDate"));
  if (born === null) return null;
  const now = new Date();
  const today = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) / 864e5;
  const seen = age.DATES.map((keyword) => date(header.text(keyword))).find((day) => day !== null) ?? today;
  const year = (day) => new Date(day * 864e5).getUTCFullYear();
  const shift = Math.round(age.BUDDHIST_YEARS * age.DAYS_PER_YEAR);
  let days = seen - born;
  if (days < 0 && year(born) - year(seen) > age.BUDDHIST_YEARS - age.OLDEST_YEARS - 1) days += shift;
  else if (days > 0 && year(seen) - year(born) >= age.BUDDHIST_YEARS) days -= shift;
  return days >= 0 ? days / age.DAYS_PER_YEAR : null;
}

function statedAge(text) {
  const plain = text.trim().toUpperCase().normalize("NFKD").replace(/\p{Mn}/gu, "");
  const pairs = [...plain.matchAll(/(\d+(?:[.,]\d+)?)\s*([A-Z]*)\.?/g)].map(([, number, word]) => [number, word || "Y"]);
  const rest = plain.replace(/(\d+(?:[.,]\d+)?)\s*([A-Z]*)\.?/g, "").replace(/^[ ,;+]+|[ ,;+]+$/g, "");
  const turned = plain.match(/^([A-Z]+)\s*(\d+(?:[.,]\d+)?)$/);
  const parts = !rest ? pairs : turned ? [[turned[2], turned[1]]] : [];
  const units = parts.map(([, word]) => age.UNIT_WORDS[word] || age.UNITS[word[0]]);
  if (!parts.length || units.some((unit) => !unit)) return null;
  const days = parts.map(([number], index) => Number(number.replace(",", ".")) * age.DAYS_OF[units[index]]);
  return days.reduce((sum, each) => sum + each, 0) / age.DAYS_PER_YEAR;
}

/** A date as a number of days; null when it is none. */
function date(text) {
  const forms = [
    [/^(\d{4})(\d{2})(\d{2})(?:\d.*)?$/, [1, 2, 3]],
    [/^(\d{4})[.\-/ ](\d{1,2})[.\-/ ](\d{1,2})(?:\D.*)?$/, [1, 2, 3]],
    [/^(\d{1,2})[.\-/ ](\d{1,2})[.\-/ ](\d{4})(?:\D.*)?$/, [3, 2, 1]],
    [/^(\d{4})[.\-/]?(\d{2})$/, [1, 2]],
    [/^(\d{4})$/, [1]],
  ];
  for (const [pattern, order] of forms) {
    const found = text.trim().match(pattern);
    if (!found) continue;
    let [year, month = 1, day = 1] = order.map((part) => Number(found[part]));
    if (month > 12 && day <= 12) [month, day] = [day, month];
    const whole = new Date(0);
    whole.setUTCFullYear(year, month - 1, day);
    const isReal = year > 0 && whole.getUTCMonth() === month - 1 && whole.getUTCDate() === day;
    return isReal ? whole.getTime() / 864e5 : null;
  }
  return null;
}
