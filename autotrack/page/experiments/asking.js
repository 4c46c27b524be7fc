// What is asked of experiments, and how they are changed.

import { MLFLOW, OWN, get, post } from "../api.js";
import { key as spelt } from "../filter.js";
import { columnOf, telling } from "../runs/columns.js";
import { groups, keys, rows } from "../runs/questions.js";

const EXPERIMENTS = `${MLFLOW}experiments/`;
const NEWEST = 100;
export const QUESTION = "autotrack.question";
export const OBJECTIVE = "autotrack.objective";
export const COLUMNS = "autotrack.columns";
export const NOTES = "mlflow.note.content";
export const BEST = "autotrack.best.";

/** All experiments that a filter finds, those whose last run is the newest first, with how many runs they have. */
export async function experiments(where, deleted) {
  const found = [];
  let token;
  do {
    const asked = { max_results: 1000, filter: where, view_type: deleted ? "DELETED_ONLY" : "ACTIVE_ONLY", ...(token ? { page_token: token } : {}) };
    const page = await get(`${EXPERIMENTS}search`, asked);
    found.push(...(page.experiments ?? []));
    token = page.next_page_token;
  } while (token);
  const known = new Map(((await get(`${OWN}activity`, {})).activity ?? []).map((one) => [one.experiment_id, one]));
  const all = found.map((one) => ({ ...one, tags: tagsOf(one), runs: known.get(one.experiment_id)?.runs ?? 0,
    last: known.get(one.experiment_id)?.last_start ?? null }));
  const at = (one) => one.last ?? Number(one.creation_time ?? 0);
  return all.sort((one, other) => at(other) - at(one));
}

const tagsOf = (one) => new Map((one.tags ?? []).map(({ key, value }) => [key, value ?? ""]));

export async function experiment(id) {
  const [{ experiment: found }, { activity = [] }] =
    await Promise.all([get(`${EXPERIMENTS}get`, { experiment_id: id }), get(`${OWN}activity`, { experiment_ids: id })]);
  return { ...found, tags: tagsOf(found), runs: activity[0]?.runs ?? 0, last: activity[0]?.last_start ?? null };
}

export const create = async (name) => (await post(`${EXPERIMENTS}create`, { name })).experiment_id;
export const rename = (id, name) => post(`${EXPERIMENTS}update`, { experiment_id: id, new_name: name });
export const remove = (id) => post(`${EXPERIMENTS}delete`, { experiment_id: id });
export const restore = (id) => post(`${EXPERIMENTS}restore`, { experiment_id: id });

/** Set a tag that has the expected value; where it has another by now, nothing is changed and that is an error. */
export const setTag = (id, key, value, expected) => post(`${EXPERIMENTS}set-experiment-tag`, { experiment_id: id, key, value, expected });

const viewOf = (id, more = {}) => ({ experiments: [id], where: "", sort: "", deleted: false, ...more });

/** The best runs by the metric that counts; where nobody knows which values are better, the newest. */
export async function best(id, count) {
  const [{ keys: known }, { metric, better: sign = 0, said }] = await Promise.all([keys([id], NEWEST, ""), get(`${OWN}objective`, { experiment_id: id })]);
  const better = new Map(known.filter((one) => one.better).map((one) => [one.key, one.better]));
  const usual = telling(known, false);
  const reading = sign ? `${sign < 0 ? "min" : "max"}(${spelt(metric)})` : null;
  const fields = ["run_name", "status", "start_time", ...(reading ? [reading] : []), ...usual.filter((one) => /^(params|metrics)\./.test(one) && !(reading && columnOf(one).key === metric)).slice(0, 7)];
  const view = viewOf(id, { sort: reading ? `${reading} ${sign < 0 ? "ASC" : "DESC"}` : "", where: reading ? `${reading} ${sign < 0 ? "<" : ">"} ${sign < 0 ? "" : "-"}1e308` : "" });
  const found = await rows(view, fields, { limit: count });
  const columns = fields.map((one) => ({ ...columnOf(one, better), ...(one === reading ? { title: `best ${metric}` } : {}) }));
  return { rows: found.rows, columns, metric, sign, said };
}

/** The runs that have others below them. */
export const parents = async (id) => (await groups(viewOf(id, { where: "tags.`mlflow.parentRunId` LIKE '%'" }), ["parent"], [])).groups ?? [];
