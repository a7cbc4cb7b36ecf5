// From logits to a decision, and from the class map to the places of evidence. The rules are those of
// edge_app/reading/decision.py and evidence.py.

import { rules } from "./rules.js";

const { evidence: evidenceRules } = rules;

/** The decision as `predict` writes it in JSON. `logits` is in the order of the card's labels. */
export function decide(logits, card, { name, threshold }) {
  const scaled = Array.from(logits, (logit) => logit / card.temperature);
  const top = Math.max(...scaled);
  const powers = scaled.map((value) => Math.exp(value - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const probabilities = powers.map((power) => power / total);
  const finding = 1 - probabilities[card.labels.indexOf(card.negative)];
  const [low, high] = card.uncertainty_band;
  const isUncertain = low <= threshold && threshold <= high && low <= finding && finding <= high;
  const said = { [card.finding === "pneumonia" ? "p_pneumonia" : "p_finding"]: finding };
  if (card.finding !== "pneumonia") said.finding = card.finding;
  return {
    label: card.labels[probabilities.indexOf(Math.max(...probabilities))],
    probabilities: Object.fromEntries(card.labels.map((label, index) => [label, probabilities[index]])),
    ...said,
    operating_point: name,
    threshold,
    decision: isUncertain ? "uncertain" : finding >= threshold ? card.finding : card.negative,
  };
}

/** How strongly each place of the lung field indicates the finding, {rows, columns, values}, 0 to 1. */
export function evidenceMap(classMap, shape, card) {
  const [, rows, columns, classes] = shape;
  const negative = card.labels.indexOf(card.negative);
  const values = Array.from({ length: rows * columns }, (_, place) => {
    const here = classMap.subarray(place * classes, (place + 1) * classes);
    const logits = Array.from(here, (logit) => logit / card.temperature);
    const others = logits.filter((_, index) => index !== negative);
    const top = Math.max(...others);
    const together = top + Math.log(others.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
    return Math.min(Math.max((together - logits[negative]) / evidenceRules.FULL_EVIDENCE, 0), 1);
  });
  return { rows, columns, values };
}

/** Where most of the evidence lies, {side, third}; null where there is none. */
export function evidencePlace({ rows, columns, values }) {
  const total = values.reduce((sum, value) => sum + value, 0);
  if (total <= 0) return null;
  const across = new Array(columns).fill(0), down = new Array(rows).fill(0);
  values.forEach((value, at) => {
    across[at % columns] += value / total;
    down[Math.floor(at / columns)] += value / total;
  });
  const [right] = parts(across, 2), thirds = parts(down, 3), most = Math.max(...thirds);
  const side = right >= evidenceRules.ONE_SIDE ? "right" : right <= 1 - evidenceRules.ONE_SIDE ? "left" : "both";
  return { side, third: most >= evidenceRules.ONE_THIRD ? evidenceRules.THIRDS[thirds.indexOf(most)] : "all" };
}

/** Sums of equal parts of a profile; a cell that two parts share is divided between them. */
function parts(profile, count) {
  const width = profile.length / count;
  return Array.from({ length: count }, (_, part) => profile.reduce((sum, value, cell) =>
    sum + value * Math.max(0, Math.min(cell + 1, (part + 1) * width) - Math.max(cell, part * width)), 0));
}
