// Decodes PNG of every kind, as Pillow does. Only the inflating is left to the browser, which can do it in one way.

import { damagedPicture, refuse } from "./refusal.js";

const GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGB_ALPHA = 6;
const CHANNELS = { [GRAY]: 1, [RGB]: 3, [PALETTE]: 1, [GRAY_ALPHA]: 2, [RGB_ALPHA]: 4 };
const DEEP = [8, 16];
const DEPTHS = { [GRAY]: [1, 2, 4, 8, 16], [RGB]: DEEP, [PALETTE]: [1, 2, 4, 8], [GRAY_ALPHA]: DEEP, [RGB_ALPHA]: DEEP };
// First column and row, and steps, of the passes of an interlaced picture.
const PASSES = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
const PLAIN = [[0, 0, 1, 1]];

/** Inflates bytes, at most `limit` of them; `format` is "deflate" (with zlib's header) or "deflate-raw". */
export async function inflated(bytes, format, limit) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format));
  const parts = [];
  let length = 0;
  for (const reader = stream.getReader(); length <= limit; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
  }
  const whole = new Uint8Array(length);
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/** What a PNG says before its pixels: size, depth, kind, its chunks' bytes; throws a Refusal. */
export function pngHeader(content) {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const chunks = { IDAT: [] };
  for (let at = 8; at + 8 <= content.length; ) {
    const length = view.getUint32(at), name = String.fromCharCode(...content.subarray(at + 4, at + 8));
    const data = content.subarray(at + 8, at + 8 + length);
    if (name === "IDAT") chunks.IDAT.push(data);
    else chunks[name] ??= data;
    if (name === "IEND") break;
    at += 12 + length;
  }
  if (chunks.IHDR && chunks.IHDR.length < 13) throw refuse("damaged: The header");
  if (chunks.IHDR?.length !== 13 || !chunks.IDAT.length) throw refuse("not_an_image: begins like");
  const head = new DataView(chunks.IHDR.buffer, chunks.IHDR.byteOffset, 13);
  const [depth, kind, , , interlace] = chunks.IHDR.subarray(8);
  const frames = chunks.acTL ? new DataView(chunks.acTL.buffer, chunks.acTL.byteOffset).getUint32(0) : 1;
  if (!DEPTHS[kind]?.includes(depth)) throw refuse("not_an_image: begins like");
  return { width: head.getUint32(0), height: head.getUint32(4), depth, kind, interlace, frames, chunks };
}

/** Decodes to {width, height, planes}: one plane, of 8 or 16 bits, or red, green and blue of 8; alpha over black. */
export async function decodePng({ width, height, depth, kind, interlace, chunks }) {
  const bitsPerPixel = CHANNELS[kind] * depth;
  const passes = (interlace ? PASSES : PLAIN).map(([left, top, across, down]) => ({
    left, top, across, down, width: Math.ceil((width - left) / across), height: Math.ceil((height - top) / down),
  })).filter((pass) => pass.width > 0 && pass.height > 0);
  const rowBytes = (pass) => Math.ceil((pass.width * bitsPerPixel) / 8);
  const expected = passes.reduce((sum, pass) => sum + pass.height * (1 + rowBytes(pass)), 0);
  const raw = new Uint8Array(expected); // rows that a whole stream lacks are black, as in Pillow
  try {
    raw.set((await inflated(new Blob(chunks.IDAT), "deflate", expected)).subarray(0, expected));
  } catch {
    throw damagedPicture();
  }
  const samples = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * CHANNELS[kind]);
  let at = 0;
  for (const pass of passes) {
    unfilter(raw, at, rowBytes(pass), pass.height, Math.max(1, bitsPerPixel >> 3));
    for (let y = 0; y < pass.height; y++, at += 1 + rowBytes(pass)) {
      readRow(raw.subarray(at + 1, at + 1 + rowBytes(pass)), depth, CHANNELS[kind], pass, y, samples, width);
    }
  }
  return { width, height, planes: planesOf(samples, kind, depth, chunks) };
}

function unfilter(raw, at, length, rows, step) {
  for (let row = 0; row < rows; row++, at += 1 + length) {
    const filter = raw[at];
    if (filter > 4) throw damagedPicture();
    for (let index = 0; index < length && filter; index++) {
      const here = at + 1 + index;
      const left = index < step ? 0 : raw[here - step];
      const up = row ? raw[here - 1 - length] : 0;
      const corner = row && index >= step ? raw[here - 1 - length - step] : 0;
      raw[here] += filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
    }
  }
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function readRow(row, depth, channels, { left, top, across, down, width: count }, y, samples, width) {
  if (depth === 8 && across === 1 && down === 1) {
    samples.set(row, y * width * channels);
    return;
  }
  for (let x = 0; x < count; x++) {
    const target = ((top + y * down) * width + left + x * across) * channels;
    for (let channel = 0; channel < channels; channel++) {
      const place = x * channels + channel;
      if (depth === 8) samples[target + channel] = row[place];
      else if (depth === 16) samples[target + channel] = (row[2 * place] << 8) | row[2 * place + 1];
      else samples[target + channel] = (row[(place * depth) >> 3] >> (8 - depth - ((place * depth) & 7))) & ((1 << depth) - 1);
    }
  }
}

function planesOf(samples, kind, depth, { PLTE: palette = [], tRNS: clear = [] }) {
  if (kind === GRAY) return [depth < 8 ? samples.map((value) => value * (255 / ((1 << depth) - 1))) : samples];
  const channels = CHANNELS[kind], count = samples.length / channels;
  const planes = [0, 1, 2].map(() => new Uint8Array(count));
  const shift = depth === 16 ? 8 : 0;
  // Over black: Pillow's whole-number arithmetic.
  const over = (value, alpha) => {
    const sum = value * alpha * 128 + 0x4000;
    return ((sum >> 8) + sum) >> 15;
  };
  for (let at = 0; at < count; at++) {
    const first = at * channels, value = samples[first];
    for (let plane = 0; plane < 3; plane++) {
      if (kind === PALETTE) planes[plane][at] = over(palette[3 * value + plane] ?? 0, clear[value] ?? 255);
      else if (kind === GRAY_ALPHA) planes[plane][at] = over(value >> shift, samples[first + 1] >> shift);
      else if (kind === RGB_ALPHA) planes[plane][at] = over(samples[first + plane] >> shift, samples[first + 3] >> shift);
      else planes[plane][at] = samples[first + plane] >> shift;
    }
    const isClear = kind === RGB && clear.length && planes.every((plane, index) => plane[at] === clear[2 * index + 1]);
    if (isClear) for (const plane of planes) plane[at] = 0;
  }
  return planes;
}
