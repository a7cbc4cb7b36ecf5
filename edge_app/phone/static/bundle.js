// The bundle in this page: its hash, the members of its ZIP, and its golden films.

import { rules } from "./rules.js";
import { inflated } from "./png.js";

const END = 0x06054b50, ENTRY = 0x02014b50;
const primes = [];
for (let number = 2; primes.length < 64; number++) if (primes.every((prime) => number % prime)) primes.push(number);
const fraction = (value) => Math.floor((value - Math.floor(value)) * 2 ** 32) | 0;

/** SHA-256 in hexadecimal. The browser's own is missing from pages that came over plain http. */
export function sha256(bytes) {
  const state = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
  const constants = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
  const padded = new Uint8Array((((bytes.length + 8) >> 6) + 1) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, bytes.length << 3);
  const words = new Int32Array(64);
  const turn = (word, by) => (word >>> by) | (word << (32 - by));
  for (let at = 0; at < padded.length; at += 64) {
    for (let index = 0; index < 64; index++) {
      if (index < 16) words[index] = view.getInt32(at + 4 * index);
      else {
        const early = words[index - 15], late = words[index - 2];
        const mixed = (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)) + (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10));
        words[index] = mixed + words[index - 16] + words[index - 7];
      }
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let index = 0; index < 64; index++) {
      const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + constants[index] + words[index]) | 0;
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, index) => (state[index] += value));
  }
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/** Bytes that the builder deflated and wrote in base 85, five characters for four bytes; none if they are damaged. */
export async function unpacked(text) {
  const values = new Map(Array.from(DIGITS, (digit, value) => [digit, value]));
  const digits = Array.from(text.replace(/\s/g, ""), (digit) => values.get(digit));
  const missing = (5 - (digits.length % 5)) % 5; // of the last group, as many bytes are not there
  digits.push(...new Array(missing).fill(84));
  const view = new DataView(new ArrayBuffer((digits.length / 5) * 4));
  for (let at = 0; at < digits.length; at += 5) {
    view.setUint32((at / 5) * 4, digits.slice(at, at + 5).reduce((sum, digit) => 85 * sum + digit, 0));
  }
  const packed = new Uint8Array(view.buffer, 0, view.byteLength - missing);
  return inflated(packed, "deflate", Infinity).catch(() => new Uint8Array(0));
}

/** The page's texts by language, if their hash is right. */
export function readTexts(content) {
  checkHash(content, rules.textsHash, "texts");
  return JSON.parse(new TextDecoder().decode(content));
}

function checkHash(content, expected, name) {
  const got = sha256(content);
  if (got === expected) return got;
  const values = [name, got.slice(0, 12), expected.slice(0, 12)];
  throw new Error(rules.damagedBundle.replace(/\{(\d)\}/g, (_, gap) => values[gap]));
}

/** The members of a ZIP by name, and where the first of them begins. Throws an Error if it is damaged. */
export async function unzipped(content) {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  let end = content.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw new Error("there is no ZIP");
  const members = {};
  let start = content.length, at = view.getUint32(end + 16, true);
  for (let entry = 0; entry < view.getUint16(end + 10, true); entry++) {
    if (view.getUint32(at, true) !== ENTRY) throw new Error("the ZIP is damaged");
    const isDeflated = view.getUint16(at + 10, true) === 8;
    const [packed, size, local] = [20, 24, 42].map((field) => view.getUint32(at + field, true));
    const [length, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const bytes = content.subarray(from, from + packed);
    const name = new TextDecoder().decode(content.subarray(at + 46, at + 46 + length));
    members[name] = isDeflated ? await inflated(bytes, "deflate-raw", size) : bytes;
    start = Math.min(start, local);
    at += 46 + length + extra + comment;
  }
  return { members, start };
}

/** Checks the hash of a bundle and opens it: {sha256, card, model, locator, golden}. */
export async function openBundle(content) {
  const got = checkHash(content, rules.bundle.sha256, rules.bundle.name);
  const { members, start } = await unzipped(content);
  const arrays = (await unzipped(members["golden.npz"])).members;
  const golden = {};
  for (const [name, array] of Object.entries(arrays)) golden[name.replace(".npy", "")] = readArray(array);
  const card = JSON.parse(new TextDecoder().decode(members["card.json"]));
  return { sha256: got, card, model: content.slice(0, start), locator: members["locator.tflite"], golden };
}

/** An array of numpy's .npy format: {shape, values}. */
function readArray(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = 10 + view.getUint16(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(10, from));
  const shape = header.match(/'shape': \(([^)]*)\)/)[1].split(",").filter((side) => side.trim()).map(Number);
  const kinds = { "|u1": Uint8Array, "|i1": Int8Array, "<i8": BigInt64Array, "<f4": Float32Array };
  const Kind = kinds[header.match(/'descr': '([^']*)'/)[1]];
  return { shape, values: Kind.from(new Kind(bytes.slice(from).buffer), (value) => value) };
}
