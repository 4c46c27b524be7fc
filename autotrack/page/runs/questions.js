// What the table of runs asks the server.

import { OWN, access, get, post } from "../api.js";
import { among } from "../filter.js";
import { valueOf } from "./columns.js";

const CHANGED_AT_ONCE = 100;

const several = (experiments) => experiments.map((id) => ["experiment_ids", id]);

/** The keys that so many of the newest runs have that a filter finds, or all that there are, and the words of the grammar. */
export const keys = (experiments, newest, filter) => get(`${OWN}keys`, [...several(experiments), ...(newest ? [["newest", newest], ["filter", filter]] : [])]);

/** The texts that a field has, the most frequent first. */
export const values = async (experiments, field) => (await get(`${OWN}values`, [...several(experiments), ["field", field]])).values;

const about = ({ experiments, where, deleted }) => ({
  ...(experiments.length ? { experiment_ids: experiments } : {}), filter: where, run_view_type: deleted ? "DELETED_ONLY" : "ACTIVE_ONLY",
});

/** One page of runs as `{ id, values }`, the values in the order of the fields, and the token of the next. */
export async function rows(view, fields, { limit, token } = {}) {
  const asked = { ...about(view), columns: fields, order_by: view.sort ? [view.sort] : [], max_results: limit, page_token: token };
  const found = (await post(`${OWN}runs/columns`, asked)).columns;
  const columns = new Map((found.columns ?? []).map((one) => [one.name, one.values.map(valueOf)]));
  const made = (found.run_ids ?? []).map((id, n) => ({ id, values: fields.map((name) => columns.get(name)[n]) }));
  return { rows: made, next: found.next_page_token };
}

/** The same of runs that are named. */
export const rowsOf = async (view, fields, ids) =>
  (await rows({ ...view, experiments: [], sort: "", where: among("run_id", ids) }, fields, { limit: ids.length })).rows;

export const count = async (view) => (await post(`${OWN}runs/count`, about(view))).count;

/** The groups of the runs that fit, each with mean, deviation, minimum and maximum of some fields. */
export function groups(view, by, fields) {
  const { run_view_type: _, ...asked } = about(view);
  return post(`${OWN}runs/groups`, { ...asked, by, columns: fields, order_by: view.sort });
}

/** Ask for the same change of several runs; which of them refused it, and why. `tell(count)` is told how far it got. */
export async function change(what, ids, more, tell) {
  const refused = [];
  for (let at = 0; at < ids.length; at += CHANGED_AT_ONCE) {
    const found = await post(`${OWN}runs/${what}`, { run_ids: ids.slice(at, at + CHANGED_AT_ONCE), ...more });
    refused.push(...(found.refused ?? []));
    tell(Math.min(ids.length, at + CHANGED_AT_ONCE));
  }
  return refused;
}

/** Whether the server takes changes. */
export const writable = async () => !(await access()).read_only;
