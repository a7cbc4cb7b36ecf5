// From the bytes of a file to a film: {width, height, pixels, widthPx, heightPx, ageYears, notes}, 8-bit gray, upright,
// bright is dense. The rules and their order are those of edge_app/imaging/film.py and its formats.

import { rules } from "./rules.js";
import { BOX, reduced, squashed } from "./resize.js";
import { roundEven } from "./network.js";
import { checkGrayLevels, checkNotBlank, rangeInUse, sampleOf } from "./checks.js";
import { checkScans, decodeJpeg, jpegHeader } from "./jpeg.js";
import { decodePng, pngHeader } from "./png.js";
import { isDicom, readDicom } from "./dicom.js";
import { refuse } from "./refusal.js";

const { limits, pillow } = rules;
const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0], APP1 = 0xe1, START_OF_SCAN = 0xda;
const ORIENTATION = 0x0112, CAMERA_FOLDER = 0x8769, CAMERA = [0x829a, 0x829d, 0x920a];
const OTHERS = { TIFF: /^(II[*+]|MM\0[*+]|II\0\*|MM\*)/, BMP: /^BM/, WEBP: /^RIFF....WEBP/s };

/** Decodes one film, at 1/2, 1/4 or 1/8 of its size as long as no side gets below `minSide`. */
export async function readFilm(content, minSide) {
  const film = await read(content, minSide);
  checkNotBlank(film);
  checkGrayLevels(film);
  let factor = rules.preprocess.MAX_REDUCTION;
  while (factor > 1 && Math.min(film.width, film.height) < factor * minSide) factor /= 2;
  return factor > 1 ? { ...film, ...reduced(film, factor, factor) } : film;
}

async function read(content, minSide) {
  if (content.length > limits.MAX_FILE_BYTES) {
    throw refuse("file_too_large", Math.round(content.length / limits.MIB), limits.MAX_FILE_BYTES / limits.MIB);
  }
  if (!content.length) throw refuse("empty_file");
  const start = String.fromCharCode(...content.subarray(0, 16));
  if (isDicom(content)) return readDicom(content);
  if (start.startsWith("\xff\xd8\xff")) return readJpeg(content, minSide);
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return readPng(content);
  for (const [name, pattern] of Object.entries(OTHERS)) {
    if (pattern.test(start)) throw refuse("no_decoder", name, "export the film as PNG, JPEG or DICOM");
  }
  throw refuse("not_an_image", "JPEG, PNG", "DICOM");
}

/** Refuses a size before any pixel is decoded. */
export function checkSize(width, height) {
  const most = limits.MAX_PIXELS;
  if (width * height > most) throw refuse("too_many_pixels", width, height, most.toLocaleString("en"));
  if (Math.min(width, height) < limits.MIN_SIDE_PX) throw refuse("too_small", width, height, limits.MIN_SIDE_PX);
  const isStrip = Math.max(width, height) > limits.MAX_SIDE_RATIO * Math.min(width, height);
  if (isStrip) throw refuse("not_a_chest_film: a strip", width, height, limits.MAX_SIDE_RATIO);
}

function readJpeg(content, minSide) {
  checkScans(content);
  const header = jpegHeader(content);
  if (!header) throw refuse("damaged: The header");
  const { width, height } = header;
  checkSize(width, height);
  const scale = minSide / Math.min(width, height);
  const wanted = (side) => Math.floor(side / Math.max(1, roundEven(side * scale)));
  const divisor = [8, 4, 2].find((each) => Math.min(wanted(width), wanted(height)) >= each) || 1;
  const exif = jpegExif(content);
  const film = grayFilm(decodeJpeg(content, divisor), exif.orientation);
  return { ...film, widthPx: width, heightPx: height, ageYears: null, notes: exif.isCamera ? ["photograph"] : [] };
}

async function readPng(content) {
  const header = pngHeader(content), { width, height } = header;
  checkSize(width, height);
  if (header.frames > 1) throw refuse("several_frames");
  const { eXIf } = header.chunks;
  const film = grayFilm(await decodePng(header), eXIf ? readExif(eXIf).orientation : 1);
  return { ...film, widthPx: width, heightPx: height, ageYears: null, notes: [] };
}

/** Any planes to 8-bit gray, upright. */
function grayFilm({ width, height, planes }, orientation) {
  const upright = planes.map((plane) => turned({ width, height, pixels: plane }, orientation));
  const [first] = upright;
  if (upright.length === 1) return first.pixels instanceof Uint16Array ? scaledTo8Bits(first) : first;
  const small = upright.map((plane) => squashed(plane, 64, BOX, Infinity));
  let spread = 0;
  for (let at = 0; at < 64 * 64; at++) {
    const values = small.map((plane) => plane[at]);
    spread += Math.max(...values) - Math.min(...values);
  }
  if (spread / (64 * 64) > pillow.MAX_COLOUR_SPREAD) throw refuse("colour_picture");
  const [red, green, blue] = upright.map((plane) => plane.pixels);
  const pixels = Uint8Array.from(red, (value, at) => (value * 19595 + green[at] * 38470 + blue[at] * 7471 + 0x8000) >> 16);
  return { ...first, pixels };
}

/** 16 bits by the range that the picture uses. */
function scaledTo8Bits(picture) {
  let low = 65535, high = 0;
  for (const value of picture.pixels) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  [low, high] = rangeInUse(low, high, sampleOf(picture));
  const span = Math.max(high - low, 1e-12);
  const table = grayTable(Float64Array.from({ length: 2 ** 16 }, (_, value) => (value - low) / span));
  return { ...picture, pixels: Uint8Array.from(picture.pixels, (value) => table[value]) };
}

/** Shares of the gray scale as gray levels. */
export function grayTable(shares) {
  return Uint8Array.from(shares, (share) => roundEven(255 * Math.min(Math.max(share, 0), 1)));
}

/** A picture as its EXIF orientation, 1 to 8, says that it is to be seen. */
function turned({ width, height, pixels }, orientation) {
  if (!(orientation > 1 && orientation < 9)) return { width, height, pixels };
  const isTurned = orientation > 4;
  const [wide, high] = isTurned ? [height, width] : [width, height];
  const result = { width: wide, height: high, pixels: new pixels.constructor(pixels.length) };
  const isRight = [2, 3, 7, 8].includes(orientation), isDown = [3, 4, 6, 7].includes(orientation);
  for (let y = 0, to = 0; y < result.height; y++) {
    for (let x = 0; x < result.width; x++, to++) {
      const [column, row] = isTurned ? [y, x] : [x, y];
      result.pixels[to] = pixels[(isDown ? height - 1 - row : row) * width + (isRight ? width - 1 - column : column)];
    }
  }
  return result;
}

function jpegExif(content) {
  for (let at = 2; content[at] === 0xff && content[at + 1] !== START_OF_SCAN; ) {
    const length = (content[at + 2] << 8) | content[at + 3];
    const data = content.subarray(at + 4, at + 2 + length);
    if (content[at + 1] === APP1 && EXIF.every((byte, index) => data[index] === byte)) return readExif(data.subarray(6));
    at += 2 + length;
  }
  return { orientation: 1, isCamera: false };
}

/** Orientation, and whether a camera took the picture; a damaged block says neither. */
function readExif(data) {
  const said = { orientation: 1, isCamera: false };
  try {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const isLittle = data[0] === 0x49;
    const folder = (at) => {
      const places = Array.from({ length: view.getUint16(at, isLittle) }, (_, index) => at + 2 + 12 * index);
      return new Map(places.map((place) => [view.getUint16(place, isLittle), place]));
    };
    const tags = folder(view.getUint32(4, isLittle));
    if (tags.has(ORIENTATION)) {
      const at = tags.get(ORIENTATION), isLong = view.getUint16(at + 2, isLittle) === 4;
      said.orientation = isLong ? view.getUint32(at + 8, isLittle) : view.getUint16(at + 8, isLittle);
    }
    if (tags.has(CAMERA_FOLDER)) {
      const camera = folder(view.getUint32(tags.get(CAMERA_FOLDER) + 8, isLittle));
      said.isCamera = CAMERA.some((tag) => camera.has(tag));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the picture itself may be intact
  }
  return said;
}
