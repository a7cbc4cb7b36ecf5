// Runs the kit's int8 networks: a TFLite file's few needed fields, and its operators in whole numbers.
// The arithmetic is that of LiteRT's XNNPACK kernels, to the bit; tests/edge_app/phone holds it to that.

const ADD = 0, CONV_2D = 3, DEPTH_TO_SPACE = 5, SPACE_TO_DEPTH = 26, MEAN = 40;
const NO_ACTIVATION = 0, RELU = 1, RELU6 = 3, SAME = 0;
const INT8 = 9;
const ROUNDING = 1.5 * 2 ** 52;
const fround = Math.fround;

/** A table of a flatbuffer: its fields by number, as in TFLite's schema. */
class Table {
  constructor(view, at) {
    this.view = view;
    this.at = at;
    this.fields = at - view.getInt32(at, true);
  }
  place(field) {
    const entry = 4 + 2 * field;
    const offset = entry < this.view.getUint16(this.fields, true) ? this.view.getUint16(this.fields + entry, true) : 0;
    return offset && this.at + offset;
  }
  byte(field, missing = 0) {
    const at = this.place(field);
    return at ? this.view.getInt8(at) : missing;
  }
  integer(field, missing = 0) {
    const at = this.place(field);
    return at ? this.view.getInt32(at, true) : missing;
  }
  table(field) {
    const at = this.place(field);
    return at ? new Table(this.view, at + this.view.getUint32(at, true)) : null;
  }
  /** Calls `read(place, index)` for each element, `bytes` long, of a vector. */
  vector(field, bytes, read) {
    const place = this.place(field);
    if (!place) return [];
    const at = place + this.view.getUint32(place, true);
    return Array.from({ length: this.view.getUint32(at, true) }, (_, index) => read(at + 4 + bytes * index));
  }
  tables(field) {
    return this.vector(field, 4, (at) => new Table(this.view, at + this.view.getUint32(at, true)));
  }
  integers(field) {
    return this.vector(field, 4, (at) => this.view.getInt32(at, true));
  }
  floats(field) {
    return this.vector(field, 4, (at) => this.view.getFloat32(at, true));
  }
  longs(field) {
    return this.vector(field, 8, (at) => this.view.getInt32(at, true));
  }
  bytes(field) {
    const place = this.place(field);
    if (!place) return new Uint8Array(0);
    const at = place + this.view.getUint32(place, true);
    return new Uint8Array(this.view.buffer, this.view.byteOffset + at + 4, this.view.getUint32(at, true));
  }
}

/** One network. Its input is one square film, its outputs are int8. */
export class Network {
  /** Loads the bytes of a .tflite file, Uint8Array; a ZIP may follow. Throws an Error for an operator it has not. */
  constructor(content) {
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    const model = new Table(view, view.getUint32(0, true));
    const codes = model.tables(1).map((code) => Math.max(code.byte(0), code.integer(3)));
    const buffers = model.tables(4);
    const graph = model.tables(2)[0];
    this.tensors = graph.tables(0).map((tensor) => {
      const quantization = tensor.table(4);
      return {
        shape: tensor.integers(0),
        type: tensor.byte(1),
        data: buffers[tensor.integer(2)].bytes(0),
        scales: quantization ? quantization.floats(2) : [],
        zero: quantization ? quantization.longs(3)[0] || 0 : 0,
      };
    });
    this.inputs = graph.integers(1);
    this.outputs = graph.integers(2);
    this.steps = graph.tables(3).map((operator) => this.#step(codes[operator.integer(0)], operator));
    this.sidePx = this.tensors[this.inputs[0]].shape[1];
  }

  #step(code, operator) {
    const make = OPERATORS[code];
    if (!make) throw new Error(`the model has the operator ${code}, which this page has not`);
    const inputs = operator.integers(1);
    const output = operator.integers(2)[0];
    if (this.tensors[output].type !== INT8) throw new Error("the model is not int8");
    const run = make(inputs.map((index) => this.tensors[index]), this.tensors[output], operator.table(4));
    return { inputs, output, run };
  }

  /** Runs one film, Uint8Array of sidePx * sidePx; returns {shape, values (Int8Array), scale, zero} of each output. */
  run(pixels) {
    const values = [];
    const { scales, zero } = this.tensors[this.inputs[0]];
    values[this.inputs[0]] = Int8Array.from(pixels, (gray) => clamp(roundEven(gray / scales[0]) + zero, -128, 127));
    for (const { inputs, output, run } of this.steps) values[output] = run(...inputs.map((index) => values[index]));
    return this.outputs.map((index) => {
      const { shape, scales: [scale], zero: zeroPoint } = this.tensors[index];
      return { shape, values: values[index], scale, zero: zeroPoint };
    });
  }
}

/** An output in real units, as float32. */
export function dequantized({ values, scale, zero }) {
  return Float32Array.from(values, (value) => fround(fround(value - zero) * fround(scale)));
}

export function clamp(value, low, high) {
  return value < low ? low : value > high ? high : value;
}

/** The nearest whole number; halves go to the even one, as in every sum of doubles of this size. */
export function roundEven(value) {
  return value + ROUNDING - ROUNDING;
}

/** The lowest and highest int8 value that an activation lets through. */
function range(activation, { scales: [scale], zero }) {
  if (![NO_ACTIVATION, RELU, RELU6].includes(activation)) throw new Error(`the model has the activation ${activation}`);
  const low = activation === NO_ACTIVATION ? -128 : Math.max(-128, zero);
  const high = activation === RELU6 ? Math.min(127, zero + roundEven(fround(6 / scale))) : 127;
  return [low, high];
}

/** Sum in 32 bits, times a scale for each channel in float32, rounded to even. */
function convolution([input, weights, bias], output, options) {
  const [, inHeight, inWidth, inDepth] = input.shape;
  const [outDepth, kernelHeight, kernelWidth, kernelDepth] = weights.shape;
  const [, outHeight, outWidth] = output.shape;
  const isPlain = kernelDepth === inDepth && options.integer(4, 1) === 1 && options.integer(5, 1) === 1;
  if (!isPlain) throw new Error("the model has a convolution that this page has not");
  const strideX = options.integer(1), strideY = options.integer(2);
  const isSame = options.byte(0) === SAME;
  const before = (step, kernel, inside, outside) => (isSame ? Math.max(0, (outside - 1) * step + kernel - inside) >> 1 : 0);
  const top = before(strideY, kernelHeight, inHeight, outHeight), left = before(strideX, kernelWidth, inWidth, outWidth);
  const [low, high] = range(options.byte(3), output);
  const taps = kernelHeight * kernelWidth * inDepth;
  const stride = (outDepth + 3) & ~3;
  const stored = new Int8Array(weights.data.buffer, weights.data.byteOffset, weights.data.length);
  const byTap = transposed(stored, outDepth, taps, stride);
  const start = new Int32Array(stride), sums = new Int32Array(4);
  start.set(new Int32Array(bias.data.slice().buffer));
  const scales = Float32Array.from({ length: outDepth }, (_, channel) =>
    fround(fround(input.scales[0] * weights.scales[weights.scales.length > 1 ? channel : 0]) / output.scales[0]));
  const used = new Int32Array(taps), weightOf = new Int32Array(taps); // the inputs that are not zero, and their weights
  return (values) => {
    const result = new Int8Array(outHeight * outWidth * outDepth);
    for (let y = 0, at = 0; y < outHeight; y++) {
      for (let x = 0; x < outWidth; x++, at += outDepth) {
        let count = 0;
        for (let ky = 0; ky < kernelHeight; ky++) {
          const row = y * strideY - top + ky;
          if (row < 0 || row >= inHeight) continue;
          for (let kx = 0; kx < kernelWidth; kx++) {
            const column = x * strideX - left + kx;
            if (column < 0 || column >= inWidth) continue;
            const from = (row * inWidth + column) * inDepth, tap = (ky * kernelWidth + kx) * inDepth;
            for (let channel = 0; channel < inDepth; channel++) {
              const value = values[from + channel] - input.zero;
              if (value === 0) continue;
              used[count] = value;
              weightOf[count++] = (tap + channel) * stride;
            }
          }
        }
        for (let out = 0; out < outDepth; out += 4) { // four at once: an input is then read once for four sums
          let a = start[out], b = start[out + 1], c = start[out + 2], d = start[out + 3];
          for (let index = 0; index < count; index++) {
            const value = used[index], weight = weightOf[index] + out;
            a = (a + Math.imul(value, byTap[weight])) | 0;
            b = (b + Math.imul(value, byTap[weight + 1])) | 0;
            c = (c + Math.imul(value, byTap[weight + 2])) | 0;
            d = (d + Math.imul(value, byTap[weight + 3])) | 0;
          }
          [sums[0], sums[1], sums[2], sums[3]] = [a, b, c, d];
          for (let each = 0; each < 4 && out + each < outDepth; each++) {
            const scaled = roundEven(fround(fround(sums[each]) * scales[out + each]));
            result[at + out + each] = clamp(scaled + output.zero, low, high);
          }
        }
      }
    }
    return result;
  };
}

/** Weights by tap and output channel, instead of by output channel and tap; `stride` from one tap to the next. */
function transposed(weights, outDepth, taps, stride) {
  const result = new Int8Array(stride * taps);
  for (let out = 0; out < outDepth; out++) {
    for (let tap = 0; tap < taps; tap++) result[tap * stride + out] = weights[out * taps + tap];
  }
  return result;
}

/** Both inputs times a multiplier of 21 bits, added and shifted. */
function add([first, second], output, options) {
  const [low, high] = range(options.byte(0), output);
  const ratios = [first, second].map(({ scales }) => fround(fround(scales[0]) / fround(output.scales[0])));
  const exponent = Math.floor(Math.log2(Math.max(...ratios)));
  const shift = 20 - exponent;
  const [one, two] = ratios.map((ratio) => roundEven(ratio * 2 ** shift));
  const start = 2 ** (shift - 1) - one * first.zero - two * second.zero;
  return (a, b) => {
    const result = new Int8Array(a.length);
    for (let at = 0; at < a.length; at++) {
      result[at] = clamp(Math.floor((start + a[at] * one + b[at] * two) / 2 ** shift) + output.zero, low, high);
    }
    return result;
  };
}

/** The mean over rows and columns: a sum in 32 bits, times one scale and moved by both zero points in float32. */
function mean([input, axes], output) {
  const [, height, width, depth] = input.shape;
  const wanted = [...new Int32Array(axes.data.slice().buffer)].map((axis) => (axis + 4) % 4).sort().join();
  if (wanted !== "1,2") throw new Error("the model has a mean that this page has not");
  const count = height * width;
  const scale = fround(fround(input.scales[0] / output.scales[0]) * fround(1 / count));
  const start = fround(fround(-count * input.zero * scale) + output.zero);
  return (values) => {
    const result = new Int8Array(depth);
    for (let channel = 0; channel < depth; channel++) {
      let sum = 0;
      for (let place = 0; place < count; place++) sum += values[place * depth + channel];
      result[channel] = clamp(roundEven(fround(fround(sum * scale) + start)), -128, 127);
    }
    return result;
  };
}

/** Moves each block of pixels into channels. */
function toDepth([{ shape: [, height, width, depth] }], _, options) {
  const block = options.integer(0);
  return moved(height / block, width / block, depth, block, (large, small) => [small, large]);
}

/** Moves channels into blocks of pixels. */
function toSpace([{ shape: [, height, width, depth] }], _, options) {
  const block = options.integer(0);
  return moved(height, width, depth / block ** 2, block, (large, small) => [large, small]);
}

/** Copies between a large picture and a small one of block * block times the channels; `order` says which is first. */
function moved(height, width, depth, block, order) {
  const sources = new Int32Array(height * width * block * block * depth);
  for (let y = 0, large = 0; y < height * block; y++) {
    for (let x = 0; x < width * block; x++) {
      const inBlock = (y % block) * block + (x % block);
      let small = ((Math.floor(y / block) * width + Math.floor(x / block)) * block * block + inBlock) * depth;
      for (let channel = 0; channel < depth; channel++, large++, small++) {
        const [to, from] = order(large, small);
        sources[to] = from;
      }
    }
  }
  return (values) => Int8Array.from(sources, (from) => values[from]);
}

const OPERATORS = {
  [ADD]: add, [CONV_2D]: convolution, [MEAN]: mean, [DEPTH_TO_SPACE]: toSpace, [SPACE_TO_DEPTH]: toDepth,
};
