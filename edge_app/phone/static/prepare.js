// From gray levels to what the networks see, and from the locator's mask to the lung field. Whole numbers, so that
// every machine gets the same; the rules are those of edge_app/imaging/preprocess.py and lung_field.py.

import { rules } from "./rules.js";
import { BILINEAR, squashed } from "./resize.js";
import { clamp, dequantized } from "./network.js";

const { preprocess, lungField: lung } = rules;
const FINE = lung._FINE;

/** A picture as the model sees it: squashed to a square and stretched, Uint8Array. */
export function modelPixels(picture, side) {
  const pixels = squashed(picture, side, BILINEAR, preprocess.REDUCING_GAP);
  const table = stretchTable(pixels);
  return pixels.map((gray) => table[gray]);
}

function stretchTable(pixels) {
  const counts = cumulated(histogram(pixels));
  const low = counts.findIndex((count) => count >= (preprocess.LOW_PERCENTILE / 100) * pixels.length);
  const high = counts.findIndex((count) => count >= (preprocess.HIGH_PERCENTILE / 100) * pixels.length);
  const span = Math.max(high - low, 1);
  return Uint8Array.from({ length: 256 }, (_, gray) =>
    clamp(Math.floor(((gray - low) * 255 + Math.floor(span / 2)) / span), 0, 255));
}

export function histogram(pixels) {
  const counts = new Array(256).fill(0);
  for (const gray of pixels) counts[gray]++;
  return counts;
}

export function cumulated(counts) {
  let sum = 0;
  return counts.map((count) => (sum += count));
}

/** How much of each cell is lung, 0 to FULL, from the locator's output: {rows, columns, cells}. */
export function lungCoverage(output) {
  const [, rows, columns] = output.shape;
  const cells = Array.from(dequantized(output), (logit) =>
    Math.floor(clamp((logit + lung.RAMP) * (lung.FULL / (2 * lung.RAMP)), 0, lung.FULL) + 0.5));
  return { rows, columns, cells };
}

/** The box around the lungs, {left, top, right, bottom} in whole pixels; null where there are no lungs. */
export function lungBox(coverage, width, height) {
  const { across, down } = profiles(coverage);
  const area = across.reduce((sum, cell) => sum + cell, 0);
  const isLung = (cell) => cell > lung.FULL >> 1;
  if (area * 1000 < lung.MINIMUM_PERMILLE * lung.FULL * coverage.cells.length || !coverage.cells.some(isLung)) return null;
  const [wide, high] = [extent(across), extent(down)];
  const width1 = (wide.last - wide.first) * high.length, height1 = (high.last - high.first) * wide.length;
  if (width1 > lung.LARGEST_RATIO * height1 || height1 > lung.LARGEST_RATIO * width1) return null;
  const [left, right] = ends(wide, width), [top, bottom] = ends(high, height);
  return { left, top, right, bottom };
}

/** How far a film ends within the lungs: `isCutOff` if at all, `isCutThrough` in the middle of them. */
export function cuts({ rows, columns, cells }, { width, height }) {
  const isLung = (row, column) => cells[row * columns + column] > lung.FULL >> 1;
  const every = (count) => [...Array(count).keys()];
  const count = (length, test) => every(length).filter(test).length;
  const wide = count(columns, (column) => every(rows).some((row) => isLung(row, column)));
  const high = count(rows, (row) => every(columns).some((column) => isLung(row, column)));
  const [top, bottom] = [0, rows - 1].map((row) => count(columns, (column) => isLung(row, column)));
  const [left, right] = [0, columns - 1].map((column) => count(rows, (row) => isLung(row, column)));
  const touches = (cellsAtEdge, lungs, percent) => cellsAtEdge * 100 >= percent * lungs;
  const areLow = high * height * columns * 100 < lung.LOW_PERCENT * wide * width * rows;
  const isCutThrough = wide > 0 && touches(Math.max(top, bottom), wide, areLow ? lung.LOW_CUT_PERCENT : lung.CUT_THROUGH_PERCENT);
  const atEdges = [[top, wide], [bottom, wide], [left, high], [right, high]];
  return { isCutOff: atEdges.some(([edge, lungs]) => touches(edge, lungs, lung.CUT_OFF_PERCENT)), isCutThrough };
}

/** Whether the mask is half-decided, as on pictures that are no frontal chest films. */
export function isUnsure({ cells }) {
  const tenth = Math.floor(lung.FULL / 10);
  const lungs = cells.filter((cell) => cell > lung.FULL >> 1).length;
  const undecided = cells.filter((cell) => cell > tenth && cell < lung.FULL - tenth).length;
  return undecided * 100 > lung.UNSURE_PERCENT * lungs;
}

/** The part of a picture inside the box. */
export function cropped({ width, pixels }, { left, top, right, bottom }) {
  const part = { width: right - left, height: bottom - top, pixels: new Uint8Array((right - left) * (bottom - top)) };
  for (let y = top; y < bottom; y++) {
    part.pixels.set(pixels.subarray(y * width + left, y * width + right), (y - top) * part.width);
  }
  return part;
}

function profiles({ rows, columns, cells }) {
  const across = new Array(columns).fill(0), down = new Array(rows).fill(0);
  cells.forEach((cell, at) => {
    across[at % columns] += cell;
    down[Math.floor(at / columns)] += cell;
  });
  return { across, down };
}

function extent(profile) {
  const length = profile.length * FINE;
  return { first: end(profile), last: length - end([...profile].reverse()), length };
}

/** Mean place of the first 1/TAIL_DIVISOR of a profile, in parts of a cell from its start. */
function end(profile) {
  const tail = Math.floor(profile.reduce((sum, cell) => sum + cell, 0) / lung.TAIL_DIVISOR);
  let before = 0, weighted = 0;
  profile.forEach((cell, index) => {
    const taken = clamp(tail - before, 0, cell);
    weighted += taken * (2 * FINE * index + Math.floor((FINE * taken) / Math.max(cell, 1)));
    before += cell;
  });
  return Math.floor(weighted / (2 * tail));
}

function ends({ first, last, length }, side) {
  const margin = Math.floor(((last - first) * lung.MARGIN_PERCENT) / 100);
  const rounded = (place) => Math.floor((2 * place * lung.STEPS + length) / (2 * length));
  const low = Math.max(rounded(first - margin), 0), high = Math.min(rounded(last + margin), lung.STEPS);
  return [Math.floor((low * side) / lung.STEPS), Math.ceil((high * side) / lung.STEPS)];
}
