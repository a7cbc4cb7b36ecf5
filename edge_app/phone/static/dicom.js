// Reads a DICOM film: the file's elements, what its header must say, and its stored values. The rules are those of
// edge_app/imaging/dicom. Uncompressed, deflated, RLE and JPEG with 8 bits are read; names and numbers never leave here.

import { rules } from "./rules.js";
import { ageYears } from "./age.js";
import { checkSize } from "./film.js";
import { checkScans, decodeJpeg, jpegHeader } from "./jpeg.js";
import { inflated } from "./png.js";
import { rendered } from "./rendering.js";
import { refuse } from "./refusal.js";

const { dicom, codestream } = rules;
const { IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN, RLE } = dicom.syntaxes;
const PIXEL_DATA = 0x7fe00010, ITEM = 0xfffee000, ITEM_END = 0xfffee00d, SEQUENCE_END = 0xfffee0dd, UNDEFINED = 0xffffffff;
const LONG = ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]; // with a length of 32 bits
const SHORT = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split(" ");
const FIRST_VR = /^(A[ET]|CS|D[AST]|F[DL]|IS|L[OT]|O[BW]|PN|S[HLQST]|TM|U[ILNST])$/;
// Tag and VR of what the kit reads, from the standard's dictionary (PS3.6).
const ELEMENTS = {
  TransferSyntaxUID: [0x00020010, "UI"], SOPClassUID: [0x00080016, "UI"], StudyDate: [0x00080020, "DA"],
  SeriesDate: [0x00080021, "DA"], AcquisitionDate: [0x00080022, "DA"], ContentDate: [0x00080023, "DA"],
  AcquisitionDateTime: [0x0008002a, "DT"], InstanceCreationDate: [0x00080012, "DA"], Modality: [0x00080060, "CS"],
  PresentationIntentType: [0x00080068, "CS"], CodeValue: [0x00080100, "SH"], CodeMeaning: [0x00080104, "LO"],
  SeriesDescription: [0x0008103e, "LO"], AnatomicRegionSequence: [0x00082218, "SQ"], PatientBirthDate: [0x00100030, "DA"],
  PatientAge: [0x00101010, "AS"], BodyPartExamined: [0x00180015, "CS"], ProtocolName: [0x00181030, "LO"],
  AcquisitionDeviceProcessingDescription: [0x00181400, "LO"], ViewPosition: [0x00185101, "CS"],
  PatientOrientation: [0x00200020, "CS"], SamplesPerPixel: [0x00280002, "US"], PhotometricInterpretation: [0x00280004, "CS"],
  NumberOfFrames: [0x00280008, "IS"], Rows: [0x00280010, "US"], Columns: [0x00280011, "US"], BitsAllocated: [0x00280100, "US"],
  BitsStored: [0x00280101, "US"], HighBit: [0x00280102, "US"], PixelRepresentation: [0x00280103, "US"],
  PixelPaddingValue: [0x00280120, "US"], PixelPaddingRangeLimit: [0x00280121, "US"], WindowCenter: [0x00281050, "DS"],
  WindowWidth: [0x00281051, "DS"], RescaleIntercept: [0x00281052, "DS"], RescaleSlope: [0x00281053, "DS"],
  VOILUTFunction: [0x00281056, "CS"], ModalityLUTSequence: [0x00283000, "SQ"], LUTDescriptor: [0x00283002, "US"],
  LUTData: [0x00283006, "OW"], VOILUTSequence: [0x00283010, "SQ"], PerformedProcedureStepStartDate: [0x00400244, "DA"],
  ViewCodeSequence: [0x00540220, "SQ"], ViewModifierCodeSequence: [0x00540222, "SQ"],
};
const SEQUENCES = new Set(Object.values(ELEMENTS).filter(([, vr]) => vr === "SQ").map(([tag]) => tag));
const NUMBERS = { US: [2, "getUint16"], AT: [2, "getUint16"], SS: [2, "getInt16"], UL: [4, "getUint32"], SL: [4, "getInt32"],
  FL: [4, "getFloat32"], FD: [8, "getFloat64"] };
const JPEG_2000 = /^(\xff\x4f\xff\x51|\0\0\0\x0cjP  )/;
const INSTEAD = "read the film on the kiosk, or export it uncompressed";

/** Whether the bytes are a DICOM file, with or without its preamble. */
export function isDicom(content) {
  const isPicture = /^(\xff\xd8\xff|\x89PNG)/.test(text(content, 0, 4));
  return (text(content, 128, 132) === "DICM" || !isPicture) && dataStart(content) !== null;
}

function dataStart(content) {
  if (text(content, 128, 132) === "DICM") return 132;
  if (text(content, 0, 4) === "DICM") return 4;
  if (content.length < 8) return null;
  const view = viewOf(content);
  const isElement = [true, false].some((isLittle) => {
    if (![0x0002, 0x0008].includes(view.getUint16(0, isLittle))) return false;
    const length = view.getUint32(4, isLittle);
    return FIRST_VR.test(text(content, 4, 6)) || (length <= dicom.LONGEST_FIRST_VALUE && length % 2 === 0);
  });
  return isElement ? 0 : null;
}

/** Decodes one DICOM film; see `readFilm`. */
export async function readDicom(content) {
  try {
    const data = await openDataSet(content), { header } = data;
    checkHeader(header);
    const isMirrored = mirrored(header);
    const layout = layoutOf(header);
    const film = rendered(await storedValues(data, layout), header, layout);
    if (isMirrored) {
      for (let at = 0; at < film.length; at += layout.columns) film.subarray(at, at + layout.columns).reverse();
    }
    const size = { width: layout.columns, height: layout.rows, widthPx: layout.columns, heightPx: layout.rows };
    return { ...size, pixels: film, ageYears: ageYears(header), notes: [] };
  } catch (error) {
    if (error instanceof RangeError) throw refuse("damaged: The DICOM file"); // a length that leads out of the file
    throw error;
  }
}

function text(content, from, to) {
  return String.fromCharCode(...content.subarray(from, to));
}

function viewOf(content) {
  return new DataView(content.buffer, content.byteOffset, content.byteLength);
}

/** A header, or an item of one of its sequences; elements are named by their DICOM keyword. */
class Header {
  constructor(elements, isLittle) {
    Object.assign(this, { elements, isLittle });
  }
  raw(keyword) {
    const element = this.elements.get(ELEMENTS[keyword][0]);
    if (!element?.bytes?.length) return new Uint8Array(0);
    if (element.vr && ![...LONG, ...SHORT].includes(element.vr)) throw refuse("damaged", keyword);
    const most = rules.limits.MAX_ELEMENT_BYTES;
    if (element.bytes.length > most) throw refuse("too_much_work", keyword, most / 1024);
    return element.bytes;
  }
  #vr(keyword) {
    const { vr } = this.elements.get(ELEMENTS[keyword][0]) || {};
    return !vr || vr === "UN" ? ELEMENTS[keyword][1] : vr;
  }
  #binary(keyword) {
    const [size, read] = NUMBERS[this.#vr(keyword)] || [];
    const bytes = this.raw(keyword);
    if (!size) return null;
    const count = Math.min(Math.floor(bytes.length / size), 64), view = viewOf(bytes);
    return Array.from({ length: count }, (_, index) => view[read](size * index, this.isLittle));
  }
  texts(keyword) {
    const numbers = this.#binary(keyword);
    if (numbers) return numbers.map(String);
    const bytes = this.raw(keyword).subarray(0, 64 * rules.limits.MAX_TEXT);
    if (!bytes.length) return [];
    let plain;
    try {
      plain = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      plain = new TextDecoder("latin1").decode(bytes);
    }
    const bare = (part) => part.replace(/^[ \0\t\r\n]+|[ \0\t\r\n]+$/g, "").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
    return plain.split("\\").slice(0, 64).map((part) => bare(part).slice(0, rules.limits.MAX_TEXT));
  }
  text(keyword) {
    return this.texts(keyword)[0] ?? "";
  }
  numbers(keyword) {
    const numbers = this.#binary(keyword) ?? this.texts(keyword).filter(Boolean).map((each) => {
      const plain = each.replace(",", ".");
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
    });
    return numbers.every(Number.isFinite) ? numbers : [];
  }
  number(keyword) {
    return this.numbers(keyword)[0] ?? null;
  }
  integer(keyword, missing) {
    const number = this.number(keyword);
    return number === null ? missing : Math.trunc(number);
  }
  items(keyword) {
    return this.elements.get(ELEMENTS[keyword][0])?.items || [];
  }
}

/** Parses elements from `at` on, up to the picture or an end; returns them with where they end. */
function parse(state, at, end, isImplicit, isLittle) {
  const { content, view } = state, elements = new Map();
  while (at + 8 <= end) {
    const tag = view.getUint16(at, isLittle) * 65536 + view.getUint16(at + 2, isLittle);
    if (tag >= PIXEL_DATA && tag < ITEM) break;
    if (--state.left < 0) throw refuse("too_much_work: elements", rules.limits.MAX_ELEMENTS.toLocaleString("en"));
    let vr = isImplicit || tag >= ITEM ? "" : text(content, at + 4, at + 6);
    let length = view.getUint32(at + 4, isLittle), start = at + 8;
    if (vr && LONG.includes(vr)) {
      length = view.getUint32(at + 8, isLittle);
      start = at + 12;
    } else if (vr) length = view.getUint16(at + 6, isLittle);
    if (tag === ITEM_END || tag === SEQUENCE_END) return { elements, at: start };
    if (length === UNDEFINED || vr === "SQ" || (isImplicit && SEQUENCES.has(tag))) {
      const last = length === UNDEFINED ? end : Math.min(start + length, end);
      const inside = sequence(state, start, last, isImplicit || vr === "UN", isLittle);
      elements.set(tag, { items: inside.items });
      at = inside.at;
      continue;
    }
    elements.set(tag, { vr, bytes: content.subarray(start, start + length) });
    at = Math.min(start + length, content.length); // cut short: then the picture is missing
  }
  return { elements, at };
}

function sequence(state, at, end, isImplicit, isLittle) {
  const items = [];
  while (at + 8 <= end) {
    const tag = state.view.getUint16(at, isLittle) * 65536 + state.view.getUint16(at + 2, isLittle);
    const length = state.view.getUint32(at + 4, isLittle);
    at += 8;
    if (tag === SEQUENCE_END) break;
    if (tag !== ITEM) throw refuse("damaged");
    const inside = parse(state, at, length === UNDEFINED ? end : at + length, isImplicit, isLittle);
    items.push(new Header(inside.elements, isLittle));
    at = length === UNDEFINED ? inside.at : at + length;
  }
  return { items, at };
}

/** The header, and where the picture lies. */
async function openDataSet(content) {
  const state = { content, view: viewOf(content), left: rules.limits.MAX_ELEMENTS };
  let at = dataStart(content), syntax = "";
  if (state.view.getUint16(at, true) === 2) {
    let end = at; // of group 2, always explicit little endian
    while (end + 12 <= content.length && state.view.getUint16(end, true) === 2) {
      const isLong = LONG.includes(text(content, end + 4, end + 6));
      end += isLong ? 12 + state.view.getUint32(end + 8, true) : 8 + state.view.getUint16(end + 6, true);
    }
    syntax = new Header(parse(state, at, end, false, true).elements, true).text("TransferSyntaxUID");
    at = end;
  }
  if (syntax === DEFLATED) {
    try {
      state.content = await inflated(content.subarray(at), "deflate-raw", rules.limits.MAX_INFLATED_BYTES);
    } catch {
      throw refuse("damaged");
    }
    const most = rules.limits.MAX_INFLATED_BYTES;
    if (state.content.length > most) throw refuse("too_much_work: inflated", Math.floor(most / rules.limits.MIB));
    state.view = viewOf(state.content);
    at = 0;
  }
  let isImplicit = syntax === IMPLICIT, isLittle = syntax !== BIG_ENDIAN;
  if (at + 6 <= state.content.length) {
    const low = state.view.getUint16(at, true), high = state.view.getUint16(at, false);
    if (low <= 255 !== high <= 255) isLittle = low <= 255;
    isImplicit = !FIRST_VR.test(text(state.content, at + 4, at + 6));
  }
  const parsed = parse(state, at, state.content.length, isImplicit, isLittle);
  return picture(state, new Header(parsed.elements, isLittle), syntax, isLittle, parsed.at);
}

function picture({ content, view }, header, syntax, isLittle, at) {
  const tag = at + 12 > content.length ? 0 : view.getUint16(at, isLittle) * 65536 + view.getUint16(at + 2, isLittle);
  if (tag !== PIXEL_DATA) throw refuse("no_pixels");
  let vr = text(content, at + 4, at + 6), length, start;
  if (["OB", "OW", "UN"].includes(vr)) [length, start] = [view.getUint32(at + 8, isLittle), at + 12];
  else [vr, length, start] = ["", view.getUint32(at + 4, isLittle), at + 8];
  const isEncapsulated = length === UNDEFINED;
  const end = isEncapsulated ? content.length : Math.min(start + length, content.length);
  if (start === end) throw refuse("no_pixels");
  if (!syntax && !isEncapsulated) syntax = !isLittle ? BIG_ENDIAN : vr ? EXPLICIT : IMPLICIT;
  return { header, syntax, isLittle, content, view, start, end, vr, isEncapsulated };
}

/** Refuses what is no frontal film of a chest for display, or of a wrong size. */
function checkHeader(header) {
  const rows = header.integer("Rows", 0), columns = header.integer("Columns", 0);
  if (rows < 1 || columns < 1) throw refuse("no_pixels");
  const modality = header.text("Modality").toUpperCase(), storage = header.text("SOPClassUID");
  if (!dicom.MODALITIES.includes(modality)) throw refuse("not_an_xray", modality.slice(0, 16) || "missing");
  const intent = header.text("PresentationIntentType").toUpperCase();
  if (storage === dicom.FOR_PROCESSING || intent === "FOR PROCESSING") throw refuse("for_processing");
  if (dicom.OTHER_CLASSES.some((start) => storage.startsWith(start))) throw refuse("not_a_chest_film: another part");
  checkPart(header);
  checkView(header);
  if (header.integer("NumberOfFrames", 1) > 1) throw refuse("several_frames");
  const photometric = header.text("PhotometricInterpretation").toUpperCase();
  if (!photometric) throw refuse("damaged: bright is dense");
  if (header.integer("SamplesPerPixel", 1) !== 1 || !dicom.GRAYSCALE.includes(photometric)) throw refuse("colour_picture");
  checkSize(columns, rows);
}

function checkPart(header) {
  const regions = header.items("AnatomicRegionSequence");
  if (regions.some((region) => dicom.CHEST_CODES.includes(region.text("CodeValue")))) return;
  const parts = [header.text("BodyPartExamined"), ...regions.map((region) => region.text("CodeMeaning"))];
  if (parts.some(namesAnotherPart)) throw refuse("not_a_chest_film: another part");
}

function checkView(header) {
  const views = header.items("ViewCodeSequence");
  const codes = [...views, ...views.flatMap((code) => code.items("ViewModifierCodeSequence"))];
  const stated = [...header.texts("ViewPosition"), ...codes.map((code) => code.text("CodeMeaning"))];
  const isSideCode = (code) => dicom.SIDE_CODES.includes(code.text("CodeValue"));
  if (namesSideView(stated) || codes.some(isSideCode)) throw refuse("lateral_view");
  const described = dicom.VIEW_TEXTS.map((keyword) => header.text(keyword));
  if (!namesFrontView(stated) && namesSideView(described) && !namesFrontView(described)) throw refuse("lateral_view");
}

function plainWords(said) {
  const bare = said.replace(/([a-z])([A-Z])/g, "$1 $2").normalize("NFKD").replace(/\p{Mn}/gu, "");
  return bare.toUpperCase().replace(/Ł/g, "L").match(/\p{L}+/gu) || [];
}

function namesAnotherPart(said) {
  const words = plainWords(said), begins = (list) => words.some((word) => list.some((start) => word.startsWith(start)));
  if (dicom.NOT_CHEST.some((part) => words.join(" ").startsWith(part))) return true;
  return !begins(dicom.CHEST) && begins(dicom.OTHER_PARTS) && !words.includes("UNKNOWN");
}

function namesSideView(texts) {
  return texts.flatMap(plainWords).some((word) => dicom.SIDE_WORDS.includes(word) || /^(LATERA|OBLIQ|DECUB)/.test(word));
}

function namesFrontView(texts) {
  return texts.flatMap(plainWords).some((word) => dicom.FRONT_WORDS.includes(word));
}

function mirrored(header) {
  const [across = "", down = "", more] = header.texts("PatientOrientation").map((said) => said.toUpperCase().slice(0, 1));
  if (!across || !down || more !== undefined) return false;
  if (down === "F" && (across === "L" || across === "R")) return across === "R";
  throw refuse([across, down].some((letter) => "AP".includes(letter)) ? "lateral_view" : "sideways: not upright");
}

function layoutOf(header) {
  const allocated = header.integer("BitsAllocated", 0), stored = header.integer("BitsStored", allocated);
  const isReadable = [8, 16].includes(allocated) && stored > 0 && stored <= allocated;
  if (!isReadable) throw refuse("damaged: bits per pixel", stored, allocated);
  const high = header.integer("HighBit", stored - 1);
  const isPossible = stored - 1 <= high && high < allocated;
  return {
    rows: header.integer("Rows", 0), columns: header.integer("Columns", 0), allocated, stored,
    high: isPossible ? high : stored - 1, isSigned: header.integer("PixelRepresentation", 0) === 1,
  };
}

/** The picture's values as unsigned codes, Uint8Array or Uint16Array, row by row. */
async function storedValues(data, layout) {
  if (!data.isEncapsulated) return plainValues(data, layout);
  const parts = fragments(data);
  if (!parts.length) throw refuse("no_pixels");
  if (data.syntax === RLE) {
    if (parts.length > 1) throw refuse("several_frames");
    return runLengthValues(parts[0], layout);
  }
  const header = (part) => (part[0] === 0xff && part[1] === 0xd8 ? jpegHeader(part) : null);
  if (parts.filter(header).length > 1) throw refuse("several_frames");
  const stream = new Uint8Array(await new Blob(parts).arrayBuffer());
  if (JPEG_2000.test(text(stream, 0, 8))) throw refuse("no_decoder", "JPEG 2000", INSTEAD);
  const said = header(stream);
  if (!said) throw refuse("damaged");
  if (said.width !== layout.columns || said.height !== layout.rows) {
    throw refuse("damaged", layout.columns, layout.rows, said.width, said.height);
  }
  if (said.components !== 1) throw refuse("damaged: colours", said.components);
  if (said.bits < 2 || said.bits > layout.allocated) throw refuse("damaged: the picture has", layout.allocated, said.bits);
  if (said.process === codestream.JPEG_LS) throw refuse("no_decoder", "JPEG-LS", INSTEAD);
  if (codestream.LOSSLESS.includes(said.process)) throw refuse("no_decoder", "lossless JPEG", INSTEAD);
  if (!codestream.BASELINE.includes(said.process) || said.bits !== 8) throw refuse("no_decoder", said.bits);
  checkScans(stream);
  return decodeJpeg(stream).planes[0];
}

function plainValues({ content, view, start, end, isLittle, vr }, { rows, columns, allocated }) {
  const count = rows * columns, expected = (count * allocated) / 8, got = end - start;
  if (got < expected) throw refuse("damaged: The picture is cut short");
  if (got >= 2 * expected) throw refuse("several_frames: more pixels");
  if (got > expected + rules.limits.MAX_EXCESS_BYTES) throw refuse("damaged: more pixels");
  const isSwapped = !isLittle && vr === "OW" && count % 2 === 0; // two pixels of 8 bits are one big-endian word
  if (allocated === 8 && !isSwapped) return content.slice(start, start + count);
  const values = new (allocated === 8 ? Uint8Array : Uint16Array)(count);
  for (let index = 0; index < count; index++) {
    values[index] = allocated === 8 ? content[start + (index ^ 1)] : view.getUint16(start + 2 * index, isLittle);
  }
  return values;
}

function fragments({ content, view, start, end }) {
  const found = [];
  for (let at = start; at + 8 <= end; ) {
    const tag = view.getUint16(at, true) * 65536 + view.getUint16(at + 2, true), length = view.getUint32(at + 4, true);
    if (tag === SEQUENCE_END) break;
    if (tag !== ITEM || at + 8 + length > end) throw refuse("damaged");
    found.push(content.subarray(at + 8, at + 8 + length));
    const most = rules.limits.MAX_FRAGMENTS;
    if (found.length > most) throw refuse("too_much_work: parts", most.toLocaleString("en"));
    at += 8 + length;
  }
  return found.slice(1);
}

/** PS3.5 annex G: a segment for each byte of a pixel, the highest first. */
function runLengthValues(part, { rows, columns, allocated }) {
  const view = viewOf(part), count = rows * columns, segments = allocated / 8;
  if (view.getUint32(0, true) !== segments) throw refuse("damaged");
  const starts = Array.from({ length: segments }, (_, index) => view.getUint32(4 + 4 * index, true));
  const planes = starts.map((start, index) => unpackedBits(part.subarray(start, starts[index + 1] ?? part.length), count));
  if (segments === 1) return planes[0];
  return Uint16Array.from(planes[0], (high, index) => (high << 8) | planes[1][index]);
}

function unpackedBits(packed, count) {
  const plain = new Uint8Array(count);
  let to = 0, at = 0;
  while (at + 1 < packed.length && to <= count + rules.limits.MAX_EXCESS_BYTES) {
    const head = packed[at++];
    if (head < 128) {
      for (let index = 0; index <= head && at < packed.length; index++, to++) plain[to] = packed[at++];
    } else if (head > 128) {
      plain.fill(packed[at++], to, to + 257 - head);
      to += 257 - head;
    }
  }
  if (to < count) throw refuse("damaged: The DICOM file");
  if (to > count + rules.limits.MAX_EXCESS_BYTES) throw refuse("damaged: more pixels");
  return plain;
}
