// Curves as the server thins them: buckets on one fixed grid, each with its exact extremes. A bucket of one width is two
// of half that width, whole: so what is known of a curve is continued by what is asked for its end alone.

import { post } from "../api.js";

const COLUMNS = ["at", "count", "nan", "inf", "last", "minimum", "maximum"];
const MOST = 3000; // buckets of all curves of a chart

/** How many buckets each of several curves is asked in, for a chart so many pixels wide. */
export const fineness = (width, curves) =>
  Math.max(60, Math.min(600, Math.floor(width / 2), Math.floor(MOST / Math.max(1, curves))));

/** Parts of curves, `{ run, key, start, end }` in steps or ms, in one question; each with its columns and width. */
export async function ask(axis, points, parts) {
  const curves = parts.map(({ run, key, start, end }) => ({ run_id: run, key, start, end }));
  const found = await post("/api/autotrack/history", { axis, points, columns: COLUMNS, curves });
  return found.curves.map(({ width, buckets }) => ({ width, ...buckets }));
}

/** How many points they are of. */
export const total = (known) => known.count.reduce((sum, one) => sum + one, 0);

/** Parts of one curve that follow each other, as one. */
export function chained(parts) {
  const made = { width: Math.min(...parts.map((one) => one.width)) };
  for (const name of COLUMNS) made[name] = parts.flatMap((one) => one[name]);
  return made;
}

/**
 * Continue a curve in place: `tail` is all of it from the beginning of its last bucket on, and takes that one's place.
 * With more than twice as many buckets as were asked for, two become one.
 */
export function grow(known, tail, points) {
  if (known.at.length) for (const name of COLUMNS) known[name].pop();
  tail.at.forEach((at, n) => add(known, Math.floor(at / known.width) * known.width, tail, n));
  while (known.at.length > 2 * points) {
    const finer = { ...known };
    known.width *= 2;
    for (const name of COLUMNS) known[name] = [];
    finer.at.forEach((at, n) => add(known, Math.floor(at / known.width) * known.width, finer, n));
  }
}

function add(into, at, from, n) {
  const last = into.at.length - 1;
  if (last < 0 || into.at[last] !== at) {
    for (const name of COLUMNS) into[name].push(from[name][n]);
    into.at[last + 1] = at;
    return;
  }
  for (const name of ["count", "nan", "inf"]) into[name][last] += from[name][n];
  if (from.last[n] === null) return;
  into.last[last] = from.last[n];
  for (const [name, better] of [["minimum", Math.min], ["maximum", Math.max]]) {
    into[name][last] = into[name][last] === null ? from[name][n] : better(into[name][last], from[name][n]);
  }
}
