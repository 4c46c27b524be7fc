// Runs as columns: chosen ones, all that fit a filter, or the candidates of a search.

import * as api from "../api.js";
import { spelt, valueOf as cellOf } from "../runs/columns.js";

export const MOST = 2000;
/** Runs whose columns are known by their own records; of the others only what is asked for is loaded. */
const READ = 100;

/** `names` and `ids` of the rows, the `fields` that there are (`{ name, key, kind }`), and the values of each of them;
 * `scope` is what finds the same runs: `{ experiments, where, order }`. `goal` is the field that a search went by. */
class Frame {
  constructor({ ids, names, fields, load, scope = null, goal = null, runs = [], more = false, what = "runs" }) {
    Object.assign(this, { ids, names, fields, load, scope, goal, runs, more, what, known: new Map() });
    this.size = names.length;
  }

  has(name) {
    return this.fields.some((one) => one.name === name);
  }

  title(name) {
    return this.fields.find((one) => one.name === name)?.key ?? name;
  }

  /** The values of some fields, a list for each: numbers, texts, and null where there is none. */
  async columns(names) {
    const missing = [...new Set(names)].filter((name) => !this.known.has(name));
    if (missing.length) (await this.load(missing)).forEach((values, n) => this.known.set(missing[n], numbers(values)));
    return names.map((name) => this.known.get(name));
  }
}

/** Texts that all spell numbers are numbers. */
function numbers(values) {
  const told = values.map((value) => (value === null || value === undefined ? null : typeof value === "string" && value.trim() !== "" ? numberOf(value) : value));
  return told.every((value) => value === null || typeof value === "number") ? told : values.map((value) => value ?? null);
}

const SPELT = { nan: NaN, inf: Infinity, infinity: Infinity, "+inf": Infinity, "-inf": -Infinity, "-infinity": -Infinity };

function numberOf(text) {
  const low = text.trim().toLowerCase();
  if (Object.hasOwn(SPELT, low)) return SPELT[low];
  const number = Number(low);
  return Number.isNaN(number) ? text : number;
}

/** What an address asks to compare. */
export function frameOf(query) {
  if (query.get("trials")) return ofSearch(query.get("trials"));
  const ids = query.get("compare").split(",").filter((id) => id && id !== "all");
  return ids.length ? ofRuns(ids) : ofFilter(query);
}

const label = (run) => `${run.name || "run"} ${run.id.slice(0, 6)}`;

async function ofRuns(ids) {
  const runs = await Promise.all([...new Set(ids)].slice(0, READ).map(api.run));
  const load = (names) => names.map((name) => runs.map((run) => valueOf(run, name)));
  const scope = {
    experiments: [...new Set(runs.map((run) => run.experiment))],
    where: `run_id IN (${runs.map((run) => `'${run.id}'`).join(", ")})`,
  };
  return new Frame({ ids: runs.map((run) => run.id), names: runs.map(label), fields: fieldsOf(runs), load, scope, runs, more: ids.length > READ });
}

async function ofFilter(query) {
  const chosen = query.getAll("e");
  const experiments = chosen.length ? chosen : (await api.experiments()).map((one) => one.experiment_id);
  const asked = { where: query.get("where") ?? "", order: query.get("sort") ? [query.get("sort")] : [] };
  const { runs } = experiments.length ? await api.runs(experiments, { ...asked, limit: READ }) : { runs: [] };
  const ask = async (columns) => {
    const [ids, values] = [[], columns.map(() => [])];
    let token;
    do {
      const given = { experiment_ids: experiments, columns, filter: asked.where, order_by: asked.order, max_results: 1000, page_token: token };
      const found = (await api.post(`${api.OWN}runs/columns`, given)).columns;
      ids.push(...(found.run_ids ?? []));
      (found.columns ?? []).forEach((one, n) => values[n].push(...one.values.map(cell)));
      token = found.next_page_token;
    } while (token && ids.length < MOST);
    return { ids, values, more: Boolean(token) };
  };
  const first = runs.length ? await ask(["run_name"]) : { ids: [], values: [[]], more: false };
  const place = new Map(first.ids.map((id, n) => [id, n]));
  const load = async (names) => {
    const { ids, values } = await ask(names);
    const rows = first.ids.map(() => null);
    return values.map((column) => ids.reduce((into, id, n) => (place.has(id) && (into[place.get(id)] = column[n]), into), [...rows]));
  };
  const names = first.ids.map((id, n) => label({ id, name: first.values[0][n] }));
  return new Frame({ ids: first.ids, names, fields: fieldsOf(runs), load, scope: { experiments, ...asked }, runs, more: first.more });
}

const cell = (value) => (Array.isArray(value) ? value.join(", ") : cellOf(value));

async function ofSearch(id) {
  const { columns = [], ranking = [] } = await api.get(`${api.OWN}trials`, { run_id: id });
  const known = new Map(columns.map((one) => [one.name, one.values.map(cell)]));
  const size = columns[0]?.values.length ?? 0;
  const ids = known.get("run_id") ?? null;
  const fields = columns.map(({ name }) => {
    const [, prefix, key] = /^(params|metrics)[._](.+)$/s.exec(name) ?? [];
    return fieldOf(name, key ?? name, prefix === "params" ? "params" : "metrics", known.get(name));
  }).filter((one) => one.varies && (one.kind === "params" || known.get(one.name).every((value) => value === null || typeof value === "number")));
  const names = Array.from({ length: size }, (_, n) => known.get("name")?.[n] ?? `trial ${n}`);
  return new Frame({ ids, names, fields, goal: ranking[0]?.name ?? null, what: "candidates", load: (some) => some.map((name) => known.get(name) ?? new Array(size).fill(null)) });
}

/** What is known of a field by the values of some rows: which of them have it, and how many different ones. */
function fieldOf(name, key, kind, values) {
  const rows = new Set(values.flatMap((value, n) => (value === null || value === undefined ? [] : [n])));
  const distinct = new Set([...rows].map((n) => values[n])).size;
  return { name, key, kind, values, rows, distinct, varies: distinct > 1 };
}

/** Every parameter and metric of some runs, those first that tell the runs apart and that most of them have. */
function fieldsOf(runs) {
  const of = (kind) => [...new Set(runs.flatMap((run) => [...run[kind].keys()]))].sort().map((key) => {
    return fieldOf(spelt(kind, key), key, kind, runs.map((run) => run[kind].get(key)));
  });
  const metrics = of("metrics").filter((one) => !/^(system|step)\//.test(one.key));
  return [...of("params"), ...metrics].sort((a, b) => b.varies - a.varies || b.rows.size - a.rows.size);
}

function valueOf(run, name) {
  for (const kind of ["params", "metrics"]) {
    for (const [key, value] of run[kind]) if (spelt(kind, key) === name) return value;
  }
  return null;
}
