// Why a film got no score: a code for machines, and the sentence that `predict` gives.

import { rules } from "./rules.js";

export class Refusal extends Error {
  /** `status` is "error" for a file that could not be decoded, "rejected" for a picture that must not be scored. */
  constructor(status, code, sentence) {
    super(sentence);
    Object.assign(this, { status, code, sentence });
  }
}

/**
 * The refusal of a code, its sentence with the values filled in, as edge_app's own code writes it. Where a code has
 * several, `which` is the code, a colon and words of the sentence.
 */
export function refuse(which, ...values) {
  const [code, words = ""] = which.split(": ");
  const { status, sentences } = rules.refusals[code];
  const fits = sentences.find((sentence) => gaps(sentence) === values.length && sentence.includes(words)) || sentences[0];
  return new Refusal(status, code, fits.replace(/\{(\d+)\}/g, (_, gap) => values[gap] ?? ""));
}

/** The refusal of a picture that ends too soon or makes no sense. */
export function damagedPicture() {
  return refuse("damaged: The file is damaged or cut short");
}

function gaps(sentence) {
  return (sentence.match(/\{\d+\}/g) || []).length;
}
