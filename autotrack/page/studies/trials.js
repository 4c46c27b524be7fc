// The trials of a search as columns, and what they are ranked by.

/** A number as the server writes it, which JSON may have no form for. */
export function number(cell) {
  if (typeof cell === "number") return cell;
  if (cell !== null && typeof cell === "object" && "double" in cell) return Number(cell.double);
  return cell === "NaN" || cell === "Infinity" || cell === "-Infinity" ? Number(cell) : null;
}

const PARAMETER = /^params[._]/;
const METRIC = /^metrics[._]/;
const ALWAYS = new Set(["number", "name", "state", "status", "duration", "run_id"]);

/** The answer of the server; the address may choose another column to rank by, `by`, and which way is better, `mode`. */
export class Trials {
  constructor({ columns = [], ranking = [] }, query) {
    this.columns = new Map(columns.map((one) => [one.name, one.values ?? []]));
    this.size = columns[0]?.values?.length ?? 0;
    this.ranking = ranking;
    const chosen = ranking.find((one) => one.name === query.get("by")) ?? ranking[0];
    this.by = chosen?.name ?? null;
    this.sign = query.has("mode") ? (query.get("mode") === "min" ? -1 : 1) : chosen?.better || 1;
    this.values = (this.column(this.by) ?? []).map(number);
    this.ranks = this.ranked();
  }

  column(name) {
    return this.columns.get(name);
  }

  title(name) {
    return name.replace(PARAMETER, "").replace(METRIC, "");
  }

  /** What a trial is called. */
  name(n) {
    return String(this.column("name")?.[n] ?? `trial ${this.column("number")?.[n] ?? n}`);
  }

  run(n) {
    return this.column("run_id")?.[n] ?? null;
  }

  /** The columns of the table: parameters, and what the trials are ranked by; all that there is on demand. */
  shown(all) {
    const names = [...this.columns.keys()].filter((name) => !ALWAYS.has(name) && name !== this.by);
    const params = names.filter((name) => PARAMETER.test(name));
    const others = names.filter((name) => !PARAMETER.test(name));
    return [...(this.by ? [this.by] : []), ...params, ...(all ? others : others.filter((name) => METRIC.test(name)).slice(0, 3))];
  }

  /** The rank of each trial from 1, null for one that has no number. */
  ranked() {
    const order = this.values.map((_, n) => n).filter((n) => this.values[n] !== null && !Number.isNaN(this.values[n]));
    order.sort((a, b) => (this.values[a] - this.values[b]) * -this.sign || a - b);
    const ranks = this.values.map(() => null);
    order.forEach((n, place) => { ranks[n] = place + 1; });
    return ranks;
  }

  /** For each trial the best value up to it, null before the first. */
  bestSoFar() {
    let best = null;
    return this.values.map((value) => {
      const better = value !== null && Number.isFinite(value) && (best === null || (value - best) * this.sign > 0);
      if (better) best = value;
      return best;
    });
  }

  /** The metric of the trials' runs that stands for the column they are ranked by. */
  metricOf(keys) {
    const wanted = this.title(this.by);
    return [wanted, "mean_test_score", ...keys.filter((key) => key.startsWith("mean_test_"))].find((key) => keys.includes(key)) ?? null;
  }
}
