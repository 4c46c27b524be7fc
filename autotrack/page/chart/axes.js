// How the x of a chart stands to the places that the server knows: steps, and ms since 1970.

import { ask } from "./buckets.js";

/**
 * For each curve `{ asked, x, at }`: the server's axis, what makes an x of a place there, and what makes a place of an x.
 * Along the time elapsed x are seconds since the curve's `start` (ms). Along the epochs they are what the curve's
 * `epochs` says: `{ key, along }`, a metric whose values are the epochs at its steps, or with "time" one that has a
 * point at the end of each. A curve without these has x by the time of day, and by step.
 */
export async function axesOf(axis, curves) {
  if (axis === "time" || axis === "elapsed") {
    return curves.map(({ start }) => {
      const zero = axis === "elapsed" ? start ?? 0 : 0;
      return { asked: "time", x: (at) => (at - zero) / 1000, at: (x) => x * 1000 + zero };
    });
  }
  const along = curves[0].epochs?.along;
  if (axis !== "epoch" || curves.some((one) => one.epochs?.along !== along) || !along) return curves.map(() => STEPS);
  const found = await ask(along, FINE, curves.map(({ run, epochs }) => ({ run, key: epochs.key })));
  return found.map((known, n) => paced(along, known, curves[n].start));
}

const same = (x) => x;
const STEPS = { asked: "step", x: same, at: same };
const FINE = 600; // places at which the epoch is known

/** Steps or times as epochs, between the places at which the epoch is known. */
function paced(along, known, start) {
  let ended = 0;
  const rows = known.at.map((at, n) => [at, along === "time" ? (ended += known.count[n]) : known.last[n]]);
  const there = [...(along === "time" && start < known.at[0] ? [[start, 0]] : []), ...rows.filter(([, epoch]) => epoch !== null)];
  if (there.length < 2) return STEPS;
  const [places, epochs] = [there.map(([at]) => at), there.map(([, epoch]) => epoch)];
  return { asked: along, x: (at) => between(places, epochs, at), at: (x) => between(epochs, places, x) };
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
