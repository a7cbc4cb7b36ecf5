// From a DICOM film's stored values to gray levels, in the standard's order (PS3.4 annex N); the rules are those of
// edge_app/imaging/dicom/rendering.py. All is computed once for each value, and each pixel is then looked up.

import { rules } from "./rules.js";
import { grayTable } from "./film.js";
import { rangeInUse, sampleOf } from "./checks.js";
import { roundEven } from "./network.js";

const { rendering, grayLevels } = rules;

/** Gray levels of the codes, Uint8Array, bright is dense; padding is black. */
export function rendered(codes, header, layout) {
  const bits = 8 * codes.BYTES_PER_ELEMENT;
  let lowest = codes[0], highest = codes[0];
  for (const code of codes) {
    if (code < lowest) lowest = code;
    if (code > highest) highest = code;
  }
  const whole = decoded(highest + 1, layout, bits);
  const values = rescaled(whole, header);
  const padding = paddingOf(highest + 1, header, layout, 2 ** bits);
  let sample = sampleOf({ width: layout.columns, height: layout.rows, pixels: codes });
  if (padding) sample = sample.filter((code) => !padding[code]);
  let shares = ownShares(values, header).find((each) => showsAFilm(each, sample, values));
  if (!shares) {
    let [low, high] = extremes(codes, lowest, whole, values, padding);
    [low, high] = rangeInUse(low, high, sample.map((code) => values[code]));
    shares = values.map((value) => (value - low) / Math.max(high - low, 1e-12));
  }
  shares = shares.map((share) => Math.min(Math.max(share, 0), 1));
  if (header.text("PhotometricInterpretation").toUpperCase() === "MONOCHROME1") shares = shares.map((share) => 1 - share);
  const table = grayTable(shares);
  if (padding) padding.forEach((isPadding, code) => isPadding && (table[code] = 0));
  return Uint8Array.from(codes, (code) => table[code]);
}

/** The value that each code from 0 on stands for. */
function decoded(count, { high, stored, isSigned }, allBits) {
  let unused = high + 1 - stored;
  if (unused && count <= 2 ** stored) unused = 0;
  const bits = Math.min(stored, allBits);
  return Float64Array.from({ length: count }, (_, code) => {
    const value = (code >> unused) & (2 ** bits - 1);
    return isSigned && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
  });
}

function rescaled(whole, header) {
  for (const item of header.items("ModalityLUTSequence")) {
    const entries = lookUp(item, whole);
    if (entries) return entries.values;
  }
  const slope = header.number("RescaleSlope") || 1, intercept = header.number("RescaleIntercept") || 0;
  return whole.map((value) => value * slope + intercept);
}

/** Which codes are background; null when the file names none. */
function paddingOf(count, header, { isSigned }, modulus) {
  const first = header.number("PixelPaddingValue");
  if (first === null) return null;
  const last = header.number("PixelPaddingRangeLimit") ?? first;
  const signed = (code) => (isSigned && code >= modulus / 2 ? code - modulus : code);
  const [a, b] = [first, last].map((end) => signed(((Math.trunc(end) % modulus) + modulus) % modulus));
  return Array.from({ length: count }, (_, code) => signed(code) >= Math.min(a, b) && signed(code) <= Math.max(a, b));
}

/** The file's own ways to show it, as shares of the gray scale before clipping: tables first, then windows. */
function ownShares(values, header) {
  const found = [];
  for (const item of header.items("VOILUTSequence")) {
    const entries = lookUp(item, values.map(roundEven));
    if (entries) found.push(entries.values.map((value) => value / (2 ** entries.bits - 1)));
  }
  const kind = header.text("VOILUTFunction").toUpperCase() || "LINEAR";
  const centres = header.numbers("WindowCenter"), widths = header.numbers("WindowWidth");
  for (let index = 0; index < Math.min(centres.length, widths.length); index++) {
    const [centre, width] = [centres[index], widths[index]];
    const isPossible = width >= 1 || (["LINEAR_EXACT", "SIGMOID"].includes(kind) && width > 0);
    if (isPossible) found.push(values.map((value) => throughWindow(value, centre, width, kind)));
  }
  return found;
}

function throughWindow(value, centre, width, kind) {
  if (kind === "SIGMOID") return 1 / (1 + Math.exp(Math.min(Math.max((-4 * (value - centre)) / width, -500), 500)));
  if (kind === "LINEAR_EXACT") return (value - centre) / width + 0.5;
  return width > 1 ? (value - (centre - 0.5)) / (width - 1) + 0.5 : Number(value > centre - 0.5);
}

/** Whether a window leaves gray levels of the picture, and does not make it black and white. */
function showsAFilm(shares, sample, values) {
  if (!sample.length) return false;
  const inside = sample.filter((code) => shares[code] > 0 && shares[code] < 1).length;
  const levels = new Set(sample.map((code) => roundEven(255 * Math.min(Math.max(shares[code], 0), 1)))).size;
  const used = new Set(sample.map((code) => values[code])).size;
  return levels >= Math.min(grayLevels.MIN_LEVELS, Math.floor(used / 2)) && inside / sample.length >= rendering.MIN_SHOWN;
}

/** The lowest and the highest value outside the padding. */
function extremes(codes, lowest, whole, values, padding) {
  const occurs = new Uint8Array(whole.length);
  for (const code of codes) occurs[code] = 1;
  let used = [...occurs.keys()].filter((code) => occurs[code] && !padding?.[code]);
  if (!used.length) return [0, 1];
  const rises = whole.every((value, code) => code <= lowest || value >= whole[code - 1]);
  if (rises && isOneRange(padding)) used = [used[0], used[used.length - 1]];
  const all = used.map((code) => values[code]);
  return [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
}

function isOneRange(padding) {
  const first = padding ? padding.indexOf(true) : -1;
  return first < 0 || padding.slice(first, padding.lastIndexOf(true) + 1).every(Boolean);
}

/** A look-up table applied, and its bits (PS3.3 C.11.2.1.1); null for an empty or impossible table. */
function lookUp(item, values) {
  const [entries, start, bits, more] = item.numbers("LUTDescriptor").map(Math.trunc);
  const data = item.raw("LUTData");
  if (bits === undefined || more !== undefined || !data.length || !(bits > 0 && bits <= 16)) return null;
  const count = entries || 2 ** 16, isWide = data.length >= 2 * count;
  const length = Math.min(isWide ? data.length >> 1 : data.length, count);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const first = start >= 2 ** 15 && values.some((value) => value < 0) ? start - 2 ** 16 : start;
  return {
    bits,
    values: values.map((value) => {
      const place = Math.min(Math.max(Math.trunc(value) - first, 0), length - 1);
      return isWide ? view.getUint16(2 * place, true) : data[place];
    }),
  };
}
