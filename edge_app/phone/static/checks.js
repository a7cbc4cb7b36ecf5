// Checks of a film around the networks: gray levels, age, exposure, how it lies, and how unlike the training films it
// is. The rules are those of edge_app/imaging/gray_levels.py and edge_app/reading/film_checks.py and rejection.py.

import { rules } from "./rules.js";
import { BOX, squashed } from "./resize.js";
import { cumulated, histogram } from "./prepare.js";
import { refuse } from "./refusal.js";

const { grayLevels: levels, filmChecks: exposure, rejection } = rules;

/** About SAMPLE_PIXELS evenly spaced values of a picture. */
export function sampleOf({ width, height, pixels }) {
  const step = Math.max(1, Math.trunc(((width * height) / levels.SAMPLE_PIXELS) ** 0.5));
  const sample = [];
  for (let y = 0; y < height; y += step) for (let x = 0; x < width; x += step) sample.push(pixels[y * width + x]);
  return sample;
}

/** The values to show as black and white, for a film that states none. */
export function rangeInUse(low, high, sample) {
  if (!sample.length) return [low, high];
  const [innerLow, innerHigh] = levels.SURE_PERCENTILES.map((share) => percentile(sample, share));
  const span = innerHigh - innerLow;
  return span <= 0 ? [low, high] : [Math.max(low, innerLow - span), Math.min(high, innerHigh + span)];
}

/** As `numpy.percentile` computes it. */
export function percentile(values, share) {
  const sorted = (values instanceof Uint8Array ? values.slice() : Float64Array.from(values)).sort();
  const place = (sorted.length - 1) * (share / 100);
  const low = Math.floor(place), rest = place - low;
  const [a, b] = [sorted[low], sorted[Math.min(low + 1, sorted.length - 1)]];
  return rest >= 0.5 ? b - (b - a) * (1 - rest) : a + (b - a) * rest;
}

export function checkNotBlank({ pixels }) {
  if (pixels.every((gray) => gray === pixels[0])) throw refuse("blank");
}

/** Refuses a patient whom the model was not made for; an unknown age, null, passes. */
export function checkAge(ageYears, card) {
  const [youngest, oldest] = card.training.age_range_years || exposure.DEFAULT_RANGE_YEARS;
  if (ageYears === null || (youngest <= ageYears && ageYears < oldest + 1)) return;
  const words = ageYears < 2 ? `${Math.trunc(12 * ageYears)} months` : `${Math.trunc(ageYears)} years`;
  throw refuse("age_out_of_range", words, youngest, oldest);
}

/** Refuses a picture that has not the gray levels of a film. */
export function checkGrayLevels(picture) {
  const counts = histogram(sampleOf(picture));
  const used = counts.flatMap((count, gray) => (count ? [gray] : []));
  const span = used[used.length - 1] - used[0];
  if (span < 2 * levels.MIN_LEVELS) return;
  const isDrawing = used.length < levels.MIN_LEVELS || middleShare(counts) < levels.MIN_MIDDLE_SHARE;
  if (isDrawing || roughness(picture) > levels.MAX_ROUGHNESS * span) throw refuse("two_levels");
}

function middleShare(counts) {
  const sums = cumulated(counts);
  const all = sums[255];
  const [low, high] = [0.01, 0.99].map((share) => sums.findIndex((sum) => sum / all >= share));
  const quarter = Math.floor((high - low) / 4);
  return counts.slice(low + quarter, high - quarter + 1).reduce((sum, count) => sum + count, 0) / all;
}

function roughness({ width, height, pixels }) {
  const step = Math.max(1, Math.floor((width * height) / levels.SAMPLE_PIXELS));
  let sum = 0, count = 0;
  for (let y = 0; y < height; y += step) {
    for (let at = y * width + 1; at < (y + 1) * width; at++, count++) sum += Math.abs(pixels[at] - pixels[at - 1]);
  }
  return sum / count;
}

/** Refuses a film that cannot be read; returns warnings of one that is hard to read. */
export function checkExposure(picture) {
  const side = exposure.SIDE_PX;
  const film = squashed(picture, side, BOX, exposure.REDUCING_GAP);
  const spread = percentile(film, 99) - percentile(film, 1);
  let curvature = 0;
  for (let y = 1; y < side - 1; y++) {
    for (let at = y * side + 1; at < (y + 1) * side - 1; at++) {
      curvature += Math.abs(4 * film[at] - film[at - side] - film[at + side] - film[at - 1] - film[at + 1]);
    }
  }
  const mean = film.reduce((sum, gray) => sum + gray, 0) / film.length;
  const sharpness = ((curvature / (side - 2) ** 2) * 255) / Math.max(spread, 1);
  if (mean < exposure.TOO_DARK) throw refuse("too_dark");
  if (spread < exposure.TOO_FLAT) throw refuse("too_flat");
  if (sharpness < exposure.TOO_BLURRED) throw refuse("too_blurred");
  return named({ dark: mean < exposure.DARK, flat: spread < exposure.FLAT, blurred: sharpness < exposure.BLURRED });
}

/** The checks against the statistics of the training films in a card. */
export class Rejection {
  constructor({ look, distance }) {
    this.limits = look.limits;
    this.weights = halves(look.weights);
    this.mean = floats(distance.mean);
    this.spread = floats(distance.spread);
    this.directions = halves(distance.directions);
    this.rest = distance.rest;
    this.limit = distance.limit;
  }

  /** Refuses a picture that is not an upright chest film; `whole` is {width, height, pixels}. Returns warnings. */
  checkPose(whole) {
    const fits = this.#fits(whole), { limits: limit } = this;
    const halfTurn = fits[0] - fits[2];
    if (fits[0] < limit.likeness) throw refuse(bestWay(fits, limit.likeness));
    if (fits[0] - Math.max(fits[1], fits[3]) < limit.sideways) throw refuse("sideways");
    if (halfTurn < limit.upside_down) throw refuse("upside_down");
    const isMirrored = fits[0] - fits[4] < limit.perhaps_mirrored;
    return named({ upside_down: halfTurn < limit.perhaps_upside_down, mirrored: isMirrored });
  }

  /** Warns of a film unlike the training films, and refuses it if it hardly fits the template, too. */
  checkFeatures(whole, features) {
    if (this.#distance(features) <= this.limit) return [];
    if (this.#fits(whole)[0] < this.limits.doubtful) throw refuse("not_a_chest_film");
    return ["unusual"];
  }

  #distance(features) {
    const centred = Array.from(features, (value, index) => value - this.mean[index]);
    const squares = (values) => values.reduce((sum, value) => sum + value * value, 0);
    const along = Array.from(this.spread, (_, row) =>
      centred.reduce((sum, value, index) => sum + value * this.directions[row * centred.length + index], 0));
    const outside = Math.max(squares(centred) - squares(along), 0);
    return Math.sqrt(squares(along.map((value, row) => value / this.spread[row])) + outside / this.rest ** 2);
  }

  /** How well a film fits as it is, after one, two and three quarter turns, and the same four mirrored. */
  #fits(whole) {
    const side = rejection.TEMPLATE_SIDE_PX;
    const small = squashed(whole, side, BOX, Infinity);
    const mean = small.reduce((sum, gray) => sum + gray, 0) / small.length;
    const spread = Math.sqrt(small.reduce((sum, gray) => sum + (gray - mean) ** 2, 0) / small.length);
    const film = Array.from(small, (gray) => (gray - mean) / Math.max(spread, 1e-9));
    const mirror = film.map((_, at) => film[at - (at % side) + side - 1 - (at % side)]);
    const turned = (way) => way.map((_, at) => way[(at % side) * side + side - 1 - Math.floor(at / side)]);
    const fits = [];
    for (let way of [film, mirror]) {
      for (let turn = 0; turn < 4; turn++, way = turned(way)) {
        fits.push(way.reduce((sum, value, at) => sum + value * this.weights[at], 0) / side);
      }
    }
    return fits;
  }
}

function bestWay(fits, enough) {
  const turns = fits.slice(0, 4), best = Math.max(...turns), worst = Math.min(...turns);
  if (Math.max(best, -worst) < enough) return "not_a_chest_film";
  if (-worst > best) return "inverted";
  return turns.indexOf(best) === 2 ? "upside_down" : "sideways";
}

function named(warnings) {
  return Object.keys(warnings).filter((name) => warnings[name]);
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function floats(text) {
  return new Float32Array(fromBase64(text).buffer);
}

/** Numbers of 16 bits, IEEE 754. */
function halves(text) {
  return Float64Array.from(new Uint16Array(fromBase64(text).buffer), (bits) => {
    const exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    return bits >> 15 ? -size : size;
  });
}
