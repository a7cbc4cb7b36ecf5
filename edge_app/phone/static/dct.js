// The inverse cosine transforms of libjpeg, in whole numbers: 8 x 8 (jidctint.c) and the reduced ones (jidctred.c).
// Each takes a block of coefficients and its quantizer, and writes size x size samples.

const BITS = 13, PASS_BITS = 2; // fraction of the constants, and of the values between the two passes
const fixed = (value) => Math.round(value * 2 ** BITS);
const F0211 = fixed(0.211164243), F0298 = fixed(0.298631336), F0390 = fixed(0.390180644), F0509 = fixed(0.509795579);
const F0541 = fixed(0.541196100), F0601 = fixed(0.601344887), F0720 = fixed(0.720959822), F0765 = fixed(0.765366865);
const F0850 = fixed(0.850430095), F0899 = fixed(0.899976223), F1061 = fixed(1.061594337), F1175 = fixed(1.175875602);
const F1272 = fixed(1.272758580), F1451 = fixed(1.451774981), F1501 = fixed(1.501321110), F1847 = fixed(1.847759065);
const F1961 = fixed(1.961570560), F2053 = fixed(2.053119869), F2172 = fixed(2.172734803), F2562 = fixed(2.562915447);
const F3072 = fixed(3.072711026), F3624 = fixed(3.624509785);

const values = new Int32Array(64); // dequantized
const half = new Int32Array(64); // after the columns

function dequantize(blocks, block, quantizer) {
  for (let place = 0; place < 64; place++) values[place] = blocks[block + place] * quantizer[place];
}

function sample(value) {
  const gray = value + 128;
  return gray < 0 ? 0 : gray > 255 ? 255 : gray;
}

/** One pass of 8 values at `step` in `from`; calls back with the eight sums before they are scaled down. */
function pass8(from, at, step, to, target, jump, shift, isLast) {
  const i0 = from[at], i1 = from[at + step], i2 = from[at + 2 * step], i3 = from[at + 3 * step];
  const i4 = from[at + 4 * step], i5 = from[at + 5 * step], i6 = from[at + 6 * step], i7 = from[at + 7 * step];
  const round = 1 << (shift - 1);
  const even = Math.imul(i2 + i6, F0541);
  const t2 = even - Math.imul(i6, F1847), t3 = even + Math.imul(i2, F0765);
  const t0 = (i0 + i4) << BITS, t1 = (i0 - i4) << BITS;
  const e0 = t0 + t3 + round, e3 = t0 - t3 + round, e1 = t1 + t2 + round, e2 = t1 - t2 + round;
  const z5 = Math.imul(i7 + i3 + i5 + i1, F1175);
  const z1 = -Math.imul(i7 + i1, F0899), z2 = -Math.imul(i5 + i3, F2562);
  const z3 = z5 - Math.imul(i7 + i3, F1961), z4 = z5 - Math.imul(i5 + i1, F0390);
  const o0 = Math.imul(i7, F0298) + z1 + z3, o1 = Math.imul(i5, F2053) + z2 + z4;
  const o2 = Math.imul(i3, F3072) + z2 + z3, o3 = Math.imul(i1, F1501) + z1 + z4;
  if (isLast) {
    to[target] = sample((e0 + o3) >> shift), to[target + 7] = sample((e0 - o3) >> shift);
    to[target + 1] = sample((e1 + o2) >> shift), to[target + 6] = sample((e1 - o2) >> shift);
    to[target + 2] = sample((e2 + o1) >> shift), to[target + 5] = sample((e2 - o1) >> shift);
    to[target + 3] = sample((e3 + o0) >> shift), to[target + 4] = sample((e3 - o0) >> shift);
  } else {
    to[target] = (e0 + o3) >> shift, to[target + 7 * jump] = (e0 - o3) >> shift;
    to[target + jump] = (e1 + o2) >> shift, to[target + 6 * jump] = (e1 - o2) >> shift;
    to[target + 2 * jump] = (e2 + o1) >> shift, to[target + 5 * jump] = (e2 - o1) >> shift;
    to[target + 3 * jump] = (e3 + o0) >> shift, to[target + 4 * jump] = (e3 - o0) >> shift;
  }
}

export function inverse8(blocks, block, quantizer, pixels, at, stride) {
  dequantize(blocks, block, quantizer);
  for (let column = 0; column < 8; column++) pass8(values, column, 8, half, column, 8, BITS - PASS_BITS, false);
  for (let row = 0; row < 8; row++) pass8(half, 8 * row, 1, pixels, at + row * stride, 1, BITS + PASS_BITS + 3, true);
}

/** The four sums of a pass of the 4 x 4 transform, as libjpeg has them: the fifth value is not used. */
function sums4(from, at, step, shift) {
  const round = 1 << (shift - 1);
  const t0 = (from[at] << (BITS + 1)) + round;
  const t2 = Math.imul(from[at + 2 * step], F1847) - Math.imul(from[at + 6 * step], F0765);
  const z1 = from[at + 7 * step], z2 = from[at + 5 * step], z3 = from[at + 3 * step], z4 = from[at + step];
  const o0 = -Math.imul(z1, F0211) + Math.imul(z2, F1451) - Math.imul(z3, F2172) + Math.imul(z4, F1061);
  const o2 = -Math.imul(z1, F0509) - Math.imul(z2, F0601) + Math.imul(z3, F0899) + Math.imul(z4, F2562);
  return [(t0 + t2 + o2) >> shift, (t0 - t2 + o0) >> shift, (t0 - t2 - o0) >> shift, (t0 + t2 - o2) >> shift];
}

export function inverse4(blocks, block, quantizer, pixels, at, stride) {
  dequantize(blocks, block, quantizer);
  for (let column = 0; column < 8; column++) {
    if (column !== 4) sums4(values, column, 8, BITS - PASS_BITS + 1).forEach((sum, row) => (half[8 * row + column] = sum));
  }
  for (let row = 0; row < 4; row++) {
    sums4(half, 8 * row, 1, BITS + PASS_BITS + 4).forEach((sum, column) => (pixels[at + row * stride + column] = sample(sum)));
  }
}

function sums2(from, at, step, shift) {
  const t = (from[at] << (BITS + 2)) + (1 << (shift - 1));
  const o = -Math.imul(from[at + 7 * step], F0720) + Math.imul(from[at + 5 * step], F0850)
    - Math.imul(from[at + 3 * step], F1272) + Math.imul(from[at + step], F3624);
  return [(t + o) >> shift, (t - o) >> shift];
}

export function inverse2(blocks, block, quantizer, pixels, at, stride) {
  dequantize(blocks, block, quantizer);
  for (const column of [0, 1, 3, 5, 7]) {
    [half[column], half[8 + column]] = sums2(values, column, 8, BITS - PASS_BITS + 2);
  }
  for (let row = 0; row < 2; row++) {
    sums2(half, 8 * row, 1, BITS + PASS_BITS + 5).forEach((sum, column) => (pixels[at + row * stride + column] = sample(sum)));
  }
}

export function inverse1(blocks, block, quantizer, pixels, at) {
  pixels[at] = sample((blocks[block] * quantizer[0] + 4) >> 3);
}
