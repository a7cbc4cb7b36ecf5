// Decodes JPEG, baseline and progressive, to the bits of libjpeg-turbo, also at 1/2, 1/4 and 1/8 of the size. A
// browser's own decoder has no reduced size, and what a page reads back from a canvas some browsers change on purpose.

import { rules } from "./rules.js";
import { damagedPicture, refuse } from "./refusal.js";
import { inverse1, inverse2, inverse4, inverse8 } from "./dct.js";

const ORDER = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];
const SOI = 0xd8, EOI = 0xd9, SOS = 0xda, DQT = 0xdb, DHT = 0xc4, DRI = 0xdd, APP0 = 0xe0, APP14 = 0xee;
const PROGRESSIVE = 0xc2;
const LOOK_AHEAD = 9;

/** The frame of a JPEG: {process, width, height, components, bits}; null where there is none. Decodes nothing. */
export function jpegHeader(content) {
  let at = 2;
  for (let segment = 0; segment < rules.codestream.MAX_SEGMENTS && at + 9 < content.length; segment++) {
    while (content[at] === 0xff && content[at + 1] === 0xff) at++;
    if (content[at] !== 0xff) return null;
    const process = content[at + 1], length = (content[at + 2] << 8) | content[at + 3];
    if (rules.codestream.FRAMES.includes(process)) {
      const [bits, high, low, wide, narrow, components] = content.subarray(at + 4, at + 10);
      return { process, bits, height: (high << 8) | low, width: (wide << 8) | narrow, components };
    }
    if (process === SOS || length < 2) return null;
    at += 2 + length;
  }
  return null;
}

/** Refuses a JPEG of so many scans that decoding it would take minutes. */
export function checkScans(content) {
  let scans = 0;
  for (let at = content.indexOf(0xff); at >= 0; at = content.indexOf(0xff, at + 1)) scans += content[at + 1] === SOS;
  if (scans > rules.limits.MAX_SCANS) throw refuse("too_much_work", scans, rules.limits.MAX_SCANS);
}

/**
 * Decodes a JPEG to {width, height, planes}: one plane of gray, or red, green and blue, each a Uint8Array.
 * `divisor` is 1, 2, 4 or 8. Throws a Refusal for a damaged file.
 */
export function decodeJpeg(content, divisor = 1) {
  const jpeg = { content, tables: [], quantizers: [], restart: 0, hasJfif: false, adobe: -1, frame: null };
  let at = 2;
  for (;;) {
    while (content[at] === 0xff && content[at + 1] === 0xff) at++;
    if (content[at] !== 0xff || at + 1 >= content.length) throw damagedPicture();
    const marker = content[at + 1];
    at += 2;
    if (marker === EOI) break;
    if (marker === SOI || (marker >= 0xd0 && marker <= 0xd7) || marker === 1) continue;
    const end = at + ((content[at] << 8) | content[at + 1]);
    if (end > content.length) throw damagedPicture();
    const segment = content.subarray(at + 2, end);
    at = end;
    if (marker === DQT) readQuantizers(jpeg, segment);
    else if (marker === DHT) readHuffman(jpeg, segment);
    else if (marker === DRI) jpeg.restart = (segment[0] << 8) | segment[1];
    else if (marker === APP0 && segment[0] === 0x4a && segment[1] === 0x46) jpeg.hasJfif = true;
    else if (marker === APP14 && segment[0] === 0x41 && segment[1] === 0x64) jpeg.adobe = segment[11];
    else if (marker === SOS) at = readScan(jpeg, segment, at);
    else if (rules.codestream.FRAMES.includes(marker)) jpeg.frame = readFrame(marker, segment, jpeg.frame);
  }
  if (!jpeg.frame || jpeg.frame.components.some(({ isSeen }) => !isSeen)) throw damagedPicture();
  return imageOf(jpeg, 8 / divisor);
}

function readQuantizers(jpeg, segment) {
  for (let at = 0; at < segment.length; ) {
    const wide = segment[at] >> 4, table = new Int32Array(64);
    jpeg.quantizers[segment[at++] & 15] = table;
    for (const place of ORDER) {
      table[place] = wide ? (segment[at] << 8) | segment[at + 1] : segment[at];
      at += wide ? 2 : 1;
    }
  }
}

/** A table maps the next LOOK_AHEAD bits to length << 8 | symbol; longer codes are found by their limits. */
function readHuffman(jpeg, segment) {
  for (let at = 0; at < segment.length; ) {
    const counts = segment.subarray(at + 1, at + 17);
    const symbols = segment.subarray(at + 17, at + 17 + counts.reduce((sum, count) => sum + count, 0));
    const short = new Uint16Array(1 << LOOK_AHEAD), limits = new Int32Array(18).fill(-1), offsets = new Int32Array(18);
    const table = { symbols, short, limits, offsets };
    let code = 0, first = 0;
    counts.forEach((count, index) => {
      const length = index + 1;
      table.offsets[length] = first - code;
      for (let symbol = 0; symbol < count && length <= LOOK_AHEAD; symbol++) {
        const from = (code + symbol) << (LOOK_AHEAD - length);
        table.short.fill((length << 8) | symbols[first + symbol], from, from + (1 << (LOOK_AHEAD - length)));
      }
      first += count;
      code += count;
      table.limits[length] = count ? code - 1 : -1;
      code <<= 1;
    });
    jpeg.tables[segment[at]] = table;
    at += 17 + symbols.length;
  }
}

function readFrame(marker, segment, before) {
  const [bits, high, low, wide, narrow, count] = segment;
  const height = (high << 8) | low, width = (wide << 8) | narrow;
  if (before || bits !== 8 || !height || !width || !count || count === 2) throw damagedPicture();
  if (count > 3) throw refuse("no_decoder", "JPEG of four colours", "export the film in gray");
  if (!rules.codestream.BASELINE.includes(marker)) throw refuse("no_decoder", bits);
  const components = Array.from({ length: count }, (_, index) => {
    const [id, sampling, quantizer] = segment.subarray(6 + 3 * index, 9 + 3 * index);
    return { id, across: sampling >> 4, down: sampling & 15, quantizer, predicted: 0, isSeen: false };
  });
  const maxAcross = Math.max(...components.map(({ across }) => across));
  const maxDown = Math.max(...components.map(({ down }) => down));
  if (components.some(({ across, down }) => !across || !down || across > 4 || down > 4)) throw damagedPicture();
  const columns = Math.ceil(width / (8 * maxAcross)), rows = Math.ceil(height / (8 * maxDown));
  for (const component of components) {
    component.columns = Math.ceil((width * component.across) / maxAcross / 8);
    component.rows = Math.ceil((height * component.down) / maxDown / 8);
    component.stride = columns * component.across;
    component.blocks = new Int16Array(64 * component.stride * rows * component.down);
  }
  return { width, height, components, columns, rows, maxAcross, maxDown, isProgressive: marker === PROGRESSIVE };
}

/** Decodes one scan into the components' blocks; returns where the next marker is. */
function readScan({ content, tables, restart, frame }, segment, at) {
  if (!frame) throw damagedPicture();
  const count = segment[0];
  const parts = Array.from({ length: count }, (_, index) => {
    const component = frame.components.find(({ id }) => id === segment[1 + 2 * index]);
    if (!component) throw damagedPicture();
    const choice = segment[2 + 2 * index];
    return Object.assign(component, { dc: tables[choice >> 4], ac: tables[16 | (choice & 15)], isSeen: true });
  });
  const [first, last, approximation] = segment.subarray(1 + 2 * count);
  const high = approximation >> 4, low = approximation & 15;
  if (last > 63) throw damagedPicture();

  let held = 0, bits = 0, endOfBand = 0;
  const fill = () => {
    while (bits <= 24) {
      let byte = content[at];
      if (byte === 0xff) {
        if (content[at + 1] === 0) at += 2;
        else byte = 0; // a marker: the rest of the scan reads as zeros, as many as are asked for
      } else if (at < content.length) at++;
      else throw damagedPicture();
      held = (held << 8) | byte;
      bits += 8;
    }
  };
  const take = (length) => {
    if (!length) return 0;
    if (bits < length) fill();
    bits -= length;
    return (held >>> bits) & ((1 << length) - 1);
  };
  const symbol = (table) => {
    if (!table) throw damagedPicture();
    if (bits < 16) fill();
    const entry = table.short[(held >>> (bits - LOOK_AHEAD)) & ((1 << LOOK_AHEAD) - 1)];
    if (entry) {
      bits -= entry >> 8;
      return entry & 255;
    }
    for (let length = LOOK_AHEAD + 1; length <= 16; length++) {
      const code = (held >>> (bits - length)) & ((1 << length) - 1);
      if (code <= table.limits[length]) {
        bits -= length;
        return table.symbols[code + table.offsets[length]];
      }
    }
    throw damagedPicture();
  };
  const signed = (length) => {
    const value = take(length);
    return length && value < 1 << (length - 1) ? value - (1 << length) + 1 : value;
  };

  const dcFirst = (part, blocks, block) => {
    part.predicted += signed(symbol(part.dc));
    blocks[block] = part.predicted << low;
  };
  const sequential = (part, blocks, block) => {
    part.predicted += signed(symbol(part.dc));
    blocks[block] = part.predicted;
    for (let place = 1; place < 64; place++) {
      const entry = symbol(part.ac), size = entry & 15, run = entry >> 4;
      if (!size && run < 15) break;
      place += run;
      if (size) blocks[block + ORDER[place & 63]] = signed(size);
    }
  };
  const acFirst = (part, blocks, block) => {
    if (endOfBand) {
      endOfBand--;
      return;
    }
    for (let place = first; place <= last; place++) {
      const entry = symbol(part.ac), size = entry & 15, run = entry >> 4;
      if (!size && run < 15) {
        endOfBand = (1 << run) + take(run) - 1;
        break;
      }
      place += run;
      if (size) blocks[block + ORDER[place & 63]] = signed(size) << low;
    }
  };
  const dcRefined = (part, blocks, block) => {
    if (take(1)) blocks[block] |= 1 << low;
  };
  const refine = (blocks, place) => {
    if (take(1) && !(blocks[place] & (1 << low))) blocks[place] += blocks[place] > 0 ? 1 << low : -(1 << low);
  };
  const acRefined = (part, blocks, block) => {
    let place = first;
    if (!endOfBand) {
      for (; place <= last; place++) {
        const entry = symbol(part.ac), size = entry & 15;
        let run = entry >> 4, value = 0;
        if (size) value = take(1) ? 1 << low : -(1 << low);
        else if (run < 15) {
          endOfBand = (1 << run) + take(run);
          break;
        }
        for (; place <= last; place++) {
          const at64 = block + ORDER[place];
          if (blocks[at64]) refine(blocks, at64);
          else if (--run < 0) break;
        }
        if (value && place <= last) blocks[block + ORDER[place]] = value;
      }
    }
    if (endOfBand) {
      for (; place <= last; place++) if (blocks[block + ORDER[place]]) refine(blocks, block + ORDER[place]);
      endOfBand--;
    }
  };
  const decode = !frame.isProgressive ? sequential : first ? (high ? acRefined : acFirst) : high ? dcRefined : dcFirst;

  const [alone] = count === 1 ? parts : [];
  const units = alone ? alone.columns * alone.rows : frame.columns * frame.rows;
  for (const part of parts) part.predicted = 0;
  for (let unit = 0; unit < units; unit++) {
    if (restart && unit && unit % restart === 0) {
      at = nextMarker(content, at);
      if ((content[at + 1] & 0xf8) !== 0xd0) throw damagedPicture();
      at += 2;
      held = bits = endOfBand = 0;
      for (const part of parts) part.predicted = 0;
    }
    if (alone) {
      const block = Math.floor(unit / alone.columns) * alone.stride + (unit % alone.columns);
      decode(alone, alone.blocks, 64 * block);
      continue;
    }
    for (const part of parts) {
      const top = Math.floor(unit / frame.columns) * part.down, left = (unit % frame.columns) * part.across;
      for (let y = 0; y < part.down; y++) {
        for (let x = 0; x < part.across; x++) decode(part, part.blocks, 64 * ((top + y) * part.stride + left + x));
      }
    }
  }
  return nextMarker(content, at);
}

/** Where the next marker begins that is not a stuffed zero. */
function nextMarker(content, at) {
  while (at + 1 < content.length && (content[at] !== 0xff || content[at + 1] === 0 || content[at + 1] === 0xff)) at++;
  if (at + 1 >= content.length) throw damagedPicture();
  return at;
}

function imageOf({ frame, quantizers, hasJfif, adobe }, size) {
  const width = Math.ceil((frame.width * size) / 8), height = Math.ceil((frame.height * size) / 8);
  const planes = frame.components.map((component) => {
    const quantizer = quantizers[component.quantizer];
    if (!quantizer) throw damagedPicture();
    return upsampled(plane(component, frame, size, quantizer), width, height, size > 1);
  });
  const ids = frame.components.map(({ id }) => String.fromCharCode(id)).join("");
  const isRgb = !hasJfif && (adobe >= 0 ? adobe === 0 : ids === "RGB");
  return { width, height, planes: planes.length === 1 || isRgb ? planes : toRgb(planes) };
}

/** One component's samples: {width, height, stride, pixels}, and how many times it must be widened. */
function plane(component, frame, least, quantizer) {
  let size = least; // chroma is decoded larger instead of widened, where that fits both ways
  const fits = (most, own) => (most * least) % (own * size * 2) === 0;
  while (size < 8 && fits(frame.maxAcross, component.across) && fits(frame.maxDown, component.down)) size *= 2;
  const stride = component.stride * size, rows = component.blocks.length / 64 / component.stride;
  const pixels = new Uint8Array(stride * rows * size);
  const inverse = { 8: inverse8, 4: inverse4, 2: inverse2, 1: inverse1 }[size];
  for (let block = 0; block < component.blocks.length / 64; block++) {
    const at = Math.floor(block / component.stride) * size * stride + (block % component.stride) * size;
    inverse(component.blocks, 64 * block, quantizer, pixels, at, stride);
  }
  return {
    stride,
    pixels,
    width: Math.ceil((frame.width * component.across * size) / (frame.maxAcross * 8)),
    height: Math.ceil((frame.height * component.down * size) / (frame.maxDown * 8)),
    across: (frame.maxAcross * least) / (component.across * size),
    down: (frame.maxDown * least) / (component.down * size),
  };
}

/** Widens a component as libjpeg does: smoothly by 2, else by repetition. */
function upsampled(part, width, height, isSmooth) {
  const result = new Uint8Array(width * height);
  const { pixels, stride, across, down } = part;
  const smoothAcross = isSmooth && across === 2 && part.width > 2 && down <= 2;
  const smoothDown = isSmooth && down === 2 && (across === 1 || smoothAcross);
  const near = new Int32Array(part.width);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / down), from = row * stride;
    if (!smoothAcross && !smoothDown) {
      for (let x = 0; x < width; x++) result[y * width + x] = pixels[from + Math.floor(x / across)];
      continue;
    }
    const isLower = y % down, other = Math.min(Math.max(row + (isLower ? 1 : -1), 0), part.height - 1) * stride;
    for (let x = 0; x < part.width; x++) near[x] = smoothDown ? 3 * pixels[from + x] + pixels[other + x] : pixels[from + x];
    const shift = (smoothDown ? 2 : 0) + (smoothAcross ? 2 : 0);
    for (let x = 0; x < width; x++) {
      if (!smoothAcross) { // down alone
        result[y * width + x] = (near[x] + (isLower ? 2 : 1)) >> 2;
        continue;
      }
      const place = x >> 1, side = place + (x & 1 ? 1 : -1);
      const isEdge = side < 0 || side >= part.width;
      const rounding = smoothDown ? (x & 1 ? 7 : 8) : x & 1 ? 2 : 1;
      const mixed = (3 * near[place] + near[isEdge ? place : side] + rounding) >> shift;
      result[y * width + x] = isEdge && !smoothDown ? near[place] : mixed;
    }
  }
  return result;
}

function toRgb([luma, blue, red]) {
  const result = [0, 1, 2].map(() => new Uint8ClampedArray(luma.length));
  for (let at = 0; at < luma.length; at++) {
    const y = luma[at], cb = blue[at] - 128, cr = red[at] - 128;
    result[0][at] = y + ((91881 * cr + 32768) >> 16);
    result[1][at] = y + ((-22554 * cb - 46802 * cr + 32768) >> 16);
    result[2][at] = y + ((116130 * cb + 32768) >> 16);
  }
  return result;
}
