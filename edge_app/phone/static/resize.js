// Pillow's resampling of 8-bit gray, in whole numbers and to the bit: `Image.resize` with its reducing gap.
// A picture is {width, height, pixels}, its pixels a Uint8Array, row by row.

const PRECISION_BITS = 22; // 32, less 8 for the pixel and 2 for sums of more than one

export const BOX = { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
export const BILINEAR = { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };
export const BICUBIC = {
  support: 2,
  weight(x) {
    const far = Math.abs(x), a = -0.5;
    if (far < 1) return ((a + 2) * far - (a + 3)) * far * far + 1;
    return far < 2 ? (((far - 5) * far + 8) * far - 4) * a : 0;
  },
};

/** A picture as a square of `side` pixels; one of many times the size is first reduced by a whole factor. */
export function squashed(picture, side, filter, reducingGap) {
  const { width, height } = picture;
  if (width === side && height === side) return picture.pixels;
  const across = Math.trunc(width / side / reducingGap) || 1;
  const down = Math.trunc(height / side / reducingGap) || 1;
  let small = across > 1 || down > 1 ? reduced(picture, across, down) : picture;
  const right = width / across, bottom = height / down;
  if (small.height > 100 * small.width && side < small.height) { // Pillow's other order for a narrow strip
    return resampledAcross(resampledDown(small, side, bottom, filter), side, right, filter).pixels;
  }
  if (side !== small.width || right !== side) small = resampledAcross(small, side, right, filter);
  if (side !== small.height || bottom !== side) small = resampledDown(small, side, bottom, filter);
  return small.pixels;
}

/** Means of blocks of `across` by `down` pixels; those at the right and the bottom may be smaller. */
export function reduced({ width, height, pixels }, across, down) {
  const columns = Math.ceil(width / across), rows = Math.ceil(height / down);
  const result = new Uint8Array(columns * rows);
  const sums = new Uint32Array(columns);
  for (let row = 0; row < rows; row++) {
    const last = Math.min((row + 1) * down, height);
    sums.fill(0);
    for (let y = row * down; y < last; y++) {
      for (let column = 0, at = y * width; column < columns; column++) {
        const end = y * width + Math.min((column + 1) * across, width);
        let sum = 0;
        while (at < end) sum += pixels[at++];
        sums[column] += sum;
      }
    }
    for (let column = 0; column < columns; column++) {
      const count = (last - row * down) * (Math.min((column + 1) * across, width) - column * across);
      // A division by a constant, as Pillow makes it: the reciprocal is a float32.
      const reciprocal = Math.trunc(Math.fround(2 ** 32 / (256 * count)));
      result[row * columns + column] = Math.imul(sums[column] + (count >> 1), reciprocal) >>> 24;
    }
  }
  return { width: columns, height: rows, pixels: result };
}

/** For each of `count` new pixels, the first old one and the weights: `end` is where the last new pixel ends. */
export function coefficients(length, end, count, filter) {
  const scale = Math.fround(end) / count;
  const stretch = Math.max(scale, 1);
  const reach = filter.support * stretch;
  return Array.from({ length: count }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(length, Math.trunc(centre + reach + 0.5));
    const weights = Array.from({ length: last - first }, (_, index) =>
      filter.weight((index + first - centre + 0.5) * (1 / stretch)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => (sum ? weight / sum : weight)) };
  });
}

function wholeCoefficients(length, end, count, filter) {
  return coefficients(length, end, count, filter).map(({ first, weights }) => ({
    first,
    weights: Int32Array.from(weights, (weight) => Math.trunc(weight * 2 ** PRECISION_BITS + (weight < 0 ? -0.5 : 0.5))),
  }));
}

function resampledAcross({ width, height, pixels }, side, end, filter) {
  const result = new Uint8Array(side * height);
  const steps = wholeCoefficients(width, end, side, filter);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < side; x++) {
      const { first, weights } = steps[x];
      let sum = 1 << (PRECISION_BITS - 1);
      for (let index = 0, at = y * width + first; index < weights.length; index++) sum += pixels[at++] * weights[index];
      result[y * side + x] = toByte(sum >> PRECISION_BITS);
    }
  }
  return { width: side, height, pixels: result };
}

function resampledDown({ width, height, pixels }, side, end, filter) {
  const result = new Uint8Array(width * side);
  const steps = wholeCoefficients(height, end, side, filter);
  for (let y = 0; y < side; y++) {
    const { first, weights } = steps[y];
    for (let x = 0; x < width; x++) {
      let sum = 1 << (PRECISION_BITS - 1);
      for (let index = 0; index < weights.length; index++) sum += pixels[(first + index) * width + x] * weights[index];
      result[y * width + x] = toByte(sum >> PRECISION_BITS);
    }
  }
  return { width, height: side, pixels: result };
}

function toByte(value) {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
