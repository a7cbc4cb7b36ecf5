// From a film to an answer, along the way of edge_app/reading/predictor.py.

import { rules } from "./rules.js";
import { Network, dequantized } from "./network.js";
import { cropped, cuts, isUnsure, lungBox, lungCoverage, modelPixels } from "./prepare.js";
import { Rejection, checkAge, checkExposure } from "./checks.js";
import { decide, evidenceMap, evidencePlace } from "./decide.js";
import { readFilm } from "./film.js";
import { Refusal, refuse } from "./refusal.js";

export class Reader {
  /** Loads the networks of an opened bundle; throws an Error if they answer its golden films wrongly. */
  constructor({ sha256, card, model, locator, golden }) {
    this.card = card;
    this.identity = { name: card.name, version: card.version, sha256 };
    this.classifier = new Network(model);
    this.locator = new Network(locator);
    this.rejection = new Rejection(card.features);
    this.minSide = Math.max(2 * card.input_size_px, rules.preparation.MIN_SIDE_PX);
    this.#checkGolden(golden);
  }

  /**
   * Reads one film, the bytes of a file. `age` in years is what a person said; the file's own age counts first.
   * Returns {json, film, evidence, box}: `json` is what the kiosk answers to a posted film, without the record's ID.
   */
  async answer(content, age = null) {
    const { identity: model } = this, runtime = rules.runtime, clock = stepClock();
    let film = null;
    try {
      film = await readFilm(content, this.minSide);
      checkAge(film.ageYears ?? age, this.card);
      const warnings = [...film.notes, ...checkExposure(film)];
      clock.ends("read");
      const whole = this.whole(film);
      const { box, isCutOff, isCutThrough, isDoubtful } = this.locate(whole, film);
      if (isCutThrough) throw refuse("lungs_cut_off");
      warnings.push(...this.rejection.checkPose(whole));
      if (!box) throw refuse("no_lungs");
      if (isDoubtful) throw refuse("not_a_chest_film");
      clock.ends("locate");
      const pixels = modelPixels(cropped(film, box), this.classifier.sidePx);
      clock.ends("preprocess");
      const { logits, classMap, shape, features } = this.infer(pixels);
      clock.ends("infer");
      warnings.push(...this.rejection.checkFeatures(whole, features), ...(isCutOff ? ["lungs_cut_off"] : []));
      if ((film.ageYears ?? age) === null) warnings.push(rules.filmChecks.AGE_UNKNOWN);
      const decision = decide(logits, this.card, rules.operatingPoint);
      const evidence = decision.decision === this.card.negative ? null : evidenceMap(classMap, shape, this.card);
      const place = evidence && evidencePlace(evidence);
      const field = [box.left / film.width, box.top / film.height, box.right / film.width, box.bottom / film.height];
      const where = { lung_field: field, ...(place && { evidence_place: place }) };
      const json = { model, runtime, status: "ok", ...decision, ...where, warnings, ms: clock.ms() };
      return { json, film, evidence, box };
    } catch (error) {
      const { status, code, sentence } = error instanceof Refusal ? error : internal(error);
      return { json: { model, runtime, status, reason: { code, sentence } }, film, evidence: null, box: null };
    }
  }

  /** The whole film as the locator and the pose checks see it. */
  whole(film) {
    const side = this.locator.sidePx;
    return { width: side, height: side, pixels: modelPixels(film, side) };
  }

  locate(whole, film) {
    const coverage = lungCoverage(this.locator.run(whole.pixels)[0]);
    return { box: lungBox(coverage, film.width, film.height), ...cuts(coverage, film), isDoubtful: isUnsure(coverage) };
  }

  /** The classifier's outputs in real units, and as the file computed them. */
  infer(pixels) {
    const raw = this.classifier.run(pixels), classes = this.card.labels.length;
    const logits = raw.find(({ shape }) => shape.length === 2 && shape[1] === classes);
    const map = raw.find(({ shape }) => shape.length === 4);
    const features = raw.find((output) => output !== logits && output !== map);
    const real = { logits: dequantized(logits), classMap: dequantized(map), features: dequantized(features) };
    return { ...real, shape: map.shape, raw: { logits, class_map: map, features } };
  }

  /** The classifier's outputs as the file computed them, by name, for a film and its lung field. */
  raw(film, box) {
    const { raw } = this.infer(modelPixels(cropped(film, box), this.classifier.sidePx));
    return Object.fromEntries(Object.entries(raw).map(([name, { values }]) => [name, Array.from(values)]));
  }

  /** Every golden film along the whole way, against what LiteRT gave when the bundle was made. */
  #checkGolden(golden) {
    const steps = Number(golden["xnnpack.steps_allowed"].values[0]);
    for (let index = 0; golden[`film_${index}`]; index++) {
      const { shape: [height, width], values: pixels } = golden[`film_${index}`];
      const film = { width, height, pixels };
      const { box } = this.locate(this.whole(film), film);
      const ends = golden["xnnpack.lung_field"].values.subarray(4 * index, 4 * index + 4);
      const [left, top, right, bottom] = Array.from(ends, Number), expected = { left, top, right, bottom };
      const step = { left: width, right: width, top: height, bottom: height };
      const fits = box && Object.keys(step).every((end) =>
        Math.abs(box[end] - expected[end]) <= Math.ceil(step[end] / rules.lungField.STEPS));
      const { raw } = this.infer(modelPixels(cropped(film, expected), this.classifier.sidePx));
      const off = Math.max(...Object.entries(raw).map(([name, { values }]) => {
        const right = golden[`xnnpack.${name}`].values.subarray(index * values.length, (index + 1) * values.length);
        return values.reduce((most, value, at) => Math.max(most, Math.abs(value - right[at])), 0);
      }));
      if (fits && off <= steps) continue;
      throw new Error(`${rules.bundle.name} answers its golden films wrongly on ${rules.runtime}: ${rules.notHere}`);
    }
  }
}

function internal(error) {
  console.error(error);
  if (error instanceof RangeError && /memory|allocation|length/i.test(error.message)) return refuse("no_memory");
  return { status: "error", code: "internal_error", sentence: rules.internalError };
}

/** Times the steps of one answer, in milliseconds. */
function stepClock() {
  const started = performance.now(), steps = {};
  let last = started;
  return {
    ends(step) {
      const now = performance.now();
      [steps[step], last] = [now - last, now];
    },
    ms() {
      const all = { ...steps, total: performance.now() - started };
      return Object.fromEntries(Object.entries(all).map(([step, ms]) => [step, Math.round(1000 * ms) / 1000]));
    },
  };
}
