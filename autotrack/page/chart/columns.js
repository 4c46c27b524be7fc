// What is drawn of some curves: uPlot's columns, and the places of values that are no numbers.

/** The columns of each curve. */
export const LEAST = 1, GREATEST = 2, RAW = 3, SMOOTH = 4;

/**
 * One column of x, then for each curve its least, greatest, last and smoothed values. `known` are the buckets of each
 * curve, `xs` what makes an x of where one begins. Where a curve has no bucket it is undefined, which is joined to its
 * neighbours; where a bucket has no number it is null, which is a gap.
 */
export function columns(known, xs, smooth) {
  const places = known.map((one, n) => one.at.map(xs[n]));
  const x = [...new Set(places.flat())].sort((a, b) => a - b);
  const row = new Map(x.map((value, n) => [value, n]));
  const made = known.flatMap((one, n) => {
    const four = [one.minimum, one.maximum, one.last, smooth ? smoothed(one.last, smooth) : []];
    return four.map((values) => {
      const column = new Array(x.length).fill(undefined);
      values.forEach((value, m) => { column[row.get(places[n][m])] = value; });
      return column;
    });
  });
  return [x, ...made];
}

/**
 * An exponential mean of the values so far, each worth `weight` of the one after it. Divided by the weights that it is
 * made of, it begins at the first value instead of at 0 (Adam's correction of bias). What is no number is passed over.
 */
export function smoothed(values, weight) {
  let mean = 0;
  let worth = 1;
  return values.map((value) => {
    if (value === null) return null;
    mean = mean * weight + (1 - weight) * value;
    worth *= weight;
    return mean / (1 - worth);
  });
}

/** Where curves are NaN or infinite: the curve, x, and how many of each. */
export function marks(known, xs) {
  return known.flatMap((one, curve) => one.at.flatMap((at, n) =>
    one.nan[n] || one.inf[n] ? [{ curve, x: xs[curve](at), nan: one.nan[n], inf: one.inf[n] }] : []));
}

/** Whether a logarithm can show all of it. */
export const positive = (known) => known.every((one) => one.minimum.every((value) => value === null || value > 0));
