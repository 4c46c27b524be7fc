// How the x of a chart stands to the places that the server knows: steps, and ms since 1970.

import { ask } from "./buckets.js";

/**
 * For each curve `{ asked, x, at }`: the server's axis, what makes an x of a place there, and what makes a place of an x.
 * Along the time elapsed x are seconds since the curve's `start` (ms); along the epochs what its `epochs`, the key of a
 * metric that counts them, says at each step. A curve without these has x by the time of day, and by step.
 */
export async function axesOf(axis, curves) {
  if (axis === "time" || axis === "elapsed") {
    return curves.map(({ start }) => {
      const zero = axis === "elapsed" ? start ?? 0 : 0;
      return { asked: "time", x: (at) => (at - zero) / 1000, at: (x) => x * 1000 + zero };
    });
  }
  if (axis !== "epoch") return curves.map(() => STEPS);
  const counting = curves.filter((one) => one.epochs);
  const found = counting.length ? await ask("step", 600, counting.map(({ run, epochs }) => ({ run, key: epochs }))) : [];
  const paces = new Map(counting.map((one, n) => [one, found[n]]));
  return curves.map((one) => (paces.get(one)?.at.length > 1 ? paced(paces.get(one)) : STEPS));
}

const same = (x) => x;
const STEPS = { asked: "step", x: same, at: same };

/** Steps as epochs, between the steps at which the number of epochs is known. */
function paced(known) {
  const rows = known.at.map((_, n) => n).filter((n) => known.last[n] !== null);
  const steps = rows.map((n) => known.at[n]);
  const epochs = rows.map((n) => known.last[n]);
  return { asked: "step", x: (at) => between(steps, epochs, at), at: (x) => between(epochs, steps, x) };
}

function between(from, to, value) {
  let n = from.findIndex((one) => one > value);
  if (n < 0) n = from.length - 1;
  n = Math.max(1, n);
  const span = from[n] - from[n - 1];
  return span ? to[n - 1] + ((value - from[n - 1]) / span) * (to[n] - to[n - 1]) : to[n];
}

const PARTS = 6;
const TIMES = 8;

/** Parts that together are a range of the server's axis, each some times as long as the one before: for a logarithm. */
export function stretched(low, high, zero) {
  const edges = [low];
  for (let part = PARTS; part > 0; part -= 1) {
    // Between two whole numbers, as places are: none lies in two parts.
    const edge = Math.floor(zero + (high - zero) / TIMES ** part) + 0.5;
    if (edge > edges.at(-1) && edge < high) edges.push(edge);
  }
  return [...edges, high].slice(1).map((edge, n) => ({ start: edges[n], end: edge }));
}
