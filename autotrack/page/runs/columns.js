// The columns of the table: fields of runs, spelt as a filter has them on its left.

import { h } from "../dom.js";
import { key as bare } from "../filter.js";
import * as format from "../format.js";

const TITLES = {
  run_name: "name", status: "state", start_time: "started", end_time: "ended", duration: "took", user_id: "user",
  experiment_id: "experiment", data_digest: "data", run_id: "run", commit: "code",
};
export const PLAIN = ["status", "start_time", "duration", "end_time", "user_id", "experiment_id", "commit", "data_digest", "dataset.name", "parent", "run_id"];
/** What every table begins with. */
export const OWN = ["status", "start_time", "duration"];
const MOST = { metrics: 5, params: 6 };
const OF_NUMBERS = new Set(["start_time", "end_time", "duration"]);

/** The fields in a text that has commas between them; also in keys in backticks there may be some. */
export const columnsIn = (text) => (text.match(/(?:`(?:[^`]|``)*`|[^,`])+/g) ?? []).map((one) => one.trim()).filter(Boolean);

/** A key of a kind as a field. */
export const spelt = (kind, key) => `${kind}.${bare(key)}`;

/** What a field means. */
export function columnOf(name, better = new Map()) {
  const [, reading, kind, spelled] = /^(?:(\w+)\()?(?:(metrics|params|tags|dataset)\.)?(.*?)\)?$/s.exec(name);
  const key = spelled.startsWith("`") ? spelled.slice(1, -1).replaceAll("``", "`") : spelled;
  const metric = kind === "metrics" || Boolean(reading);
  const title = kind === "dataset" ? `data ${key}` : kind ? (reading ? `${reading} ${key}` : key) : TITLES[key] ?? key;
  return { name, kind: metric ? "metrics" : kind ?? "attributes", key, reading, title, better: metric ? better.get(key) ?? 0 : 0,
    numeric: metric || OF_NUMBERS.has(name), compared: metric || name === "duration" };
}

/** The most telling fields of what is known of the newest runs, which may be of several experiments: what many have, what is
 * known to be good or bad, and rather what is said of other data than what was trained on. */
export function telling(keys, several) {
  const most = Math.max(1, ...keys.map((one) => one.runs));
  const weight = (one) => (one.runs / most) * (one.kind === "params" || one.better ? 1 : 0.5) * (/^train/i.test(one.key) ? 0.6 : 1) * (/time|second|memory/i.test(one.key) ? 0.3 : 1);
  const order = (a, b) => weight(b) - weight(a) || a.key.localeCompare(b.key);
  const metrics = keys.filter((one) => one.kind === "metrics" && !/^(system|step)\//.test(one.key)).sort(order);
  const varies = (one) => one.values > 1 || most === 1 || one.runs < most;
  const params = keys.filter((one) => one.kind === "params" && varies(one)).sort(order);
  const chosen = [...metrics.slice(0, MOST.metrics), ...params.slice(0, MOST.params)];
  return [...OWN, ...(several ? ["experiment_id"] : []), ...chosen.map((one) => spelt(one.kind, one.key))];
}

/** A value as the server writes it: a number that JSON does not have is an object. */
export const valueOf = (cell) => (cell !== null && typeof cell === "object" && "double" in cell ? Number(cell.double) : cell);

/** How a value looks in its column. */
export function shown(column, value, names) {
  if (value === null || value === undefined) return "";
  if (column.name === "start_time" || column.name === "end_time") return format.ago(value);
  if (column.name === "duration") return format.duration(value * 1000);
  if (column.name === "experiment_id") return names.get(value) ?? value;
  if (column.name === "commit") return value.slice(0, 10);
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "number" ? format.number(value) : value;
}

/** What there is to say of a value that its column has no room for. */
export const told = (column, value) =>
  value === null || value === undefined ? null : column.name.endsWith("_time") && typeof value === "number" ? format.moment(value) : String(value);

/** How much more than the baseline's a value is, in percent; good and bad where it is known which is better. */
export function difference(column, value, base) {
  if (!column.compared || typeof value !== "number" || typeof base !== "number" || !base || !Number.isFinite(value - base)) return null;
  const percent = ((value - base) / Math.abs(base)) * 100;
  const size = Math.abs(percent);
  if (!size) return null;
  const text = size >= 1000 ? percent.toExponential(1) : percent.toFixed(size < 10 ? 1 : 0);
  const better = Math.sign(percent) * column.better;
  return h("small", { class: better > 0 ? "good" : better < 0 ? "bad" : "dim" }, ` ${percent > 0 ? "+" : ""}${text} %`);
}
