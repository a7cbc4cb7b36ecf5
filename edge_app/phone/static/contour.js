// Pictures: the film, and the contour around the places whose evidence is above a stated level, as
// edge_app/imaging/heatmap.py draws it. Canvases are only written, never read back.

import { rules } from "./rules.js";
import { BICUBIC, coefficients } from "./resize.js";
import { roundEven } from "./network.js";

const { heatmap } = rules;
export const MOST_PX = 1600; // of a side on the screen; a phone's screen has fewer

/** Draws a film on a canvas, of a large one every second, third ... pixel of a mean. */
export function drawFilm(canvas, { width, height, pixels }) {
  const step = Math.ceil(Math.max(width, height) / MOST_PX);
  const [columns, rows] = [Math.floor(width / step), Math.floor(height / step)];
  const image = new ImageData(columns, rows), words = new Uint32Array(image.data.buffer);
  for (let y = 0, at = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let dy = 0; dy < step; dy++) {
        for (let dx = 0; dx < step; dx++) sum += pixels[(y * step + dy) * width + x * step + dx];
      }
      words[at++] = (Math.floor(sum / step ** 2) * 0x010101) | 0xff000000;
    }
  }
  show(canvas, image);
}

/** Draws the contour alone on a canvas of the film's shape, transparent elsewhere. */
export function drawContour(canvas, film, evidence, box) {
  const scale = Math.min(1, heatmap.DISPLAY_SIDE_PX / Math.max(film.width, film.height));
  const [width, height] = [film.width, film.height].map((side) => Math.max(1, Math.round(side * scale)));
  const inside = insideMask(evidence, box, scale, width, height);
  const reach = Math.max(1, Math.floor(Math.max(width, height) / (2 * heatmap.LINE_DIVISOR)));
  const core = eroded(eroded(inside, width, height, reach, 1, width), height, width, reach, width, 1);
  const image = new ImageData(width, height);
  inside.forEach((isInside, at) => {
    if (!isInside) return;
    image.data.set(heatmap.COLOUR, 4 * at);
    image.data[4 * at + 3] = core[at] ? roundEven(255 * heatmap.INSIDE_OPACITY) : 255;
  });
  show(canvas, image);
}

function show(canvas, image) {
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Which pixels lie in a place of enough evidence: the class map, smoothly widened to the lung field. */
function insideMask({ rows, columns, values }, box, scale, width, height) {
  const [left, top, right, bottom] = [box.left, box.top, box.right, box.bottom].map((end) => Math.round(end * scale));
  const [wide, high] = [Math.max(1, right - left), Math.max(1, bottom - top)];
  const across = coefficients(columns, columns, wide, BICUBIC), down = coefficients(rows, rows, high, BICUBIC);
  const sum = ({ first, weights }, value) =>
    weights.reduce((total, weight, index) => total + weight * value(first + index), 0);
  const inside = new Uint8Array(width * height);
  const widened = Array.from({ length: rows }, (_, row) =>
    across.map((place) => sum(place, (column) => values[row * columns + column])));
  down.forEach((place, y) => across.forEach((_, x) => {
    const isShown = left + x < width && top + y < height && sum(place, (row) => widened[row][x]) >= heatmap.CONTOUR_LEVEL;
    if (isShown) inside[(top + y) * width + left + x] = 1;
  }));
  return inside;
}

/** A mask without what lies within `reach` of its edge along one axis; beyond the picture counts as inside. */
function eroded(mask, length, lines, reach, step, jump) {
  const result = new Uint8Array(mask.length);
  for (let line = 0; line < lines; line++) {
    for (let place = 0; place < length; place++) {
      let isCore = 1;
      const last = Math.min(length - 1, place + reach);
      for (let near = Math.max(0, place - reach); near <= last; near++) isCore &= mask[line * jump + near * step];
      result[line * jump + place * step] = isCore;
    }
  }
  return result;
}
