// What the table of runs shows, and the address that says it.

import { columnsIn } from "./columns.js";

/** What an address says. `columns` are null where it leaves them to what the runs have. */
export function viewOf(query) {
  return {
    experiments: query.getAll("e").filter(Boolean),
    where: query.get("where") ?? "",
    sort: query.get("sort") ?? "",
    columns: query.has("columns") ? columnsIn(query.get("columns")) : null,
    pinned: columnsIn(query.get("pin") ?? ""),
    group: query.get("group") ?? "",
    baseline: query.get("baseline") ?? "",
    deleted: query.has("deleted"),
    flat: query.has("flat"),
  };
}

/** The address of a view. */
export function addressOf(view) {
  const query = new URLSearchParams(view.experiments.map((id) => ["e", id]));
  const said = {
    where: view.where, sort: view.sort, columns: view.columns?.join(","), pin: view.pinned.join(","),
    group: view.group, baseline: view.baseline, deleted: view.deleted ? "1" : "", flat: view.flat ? "1" : "",
  };
  for (const [name, value] of Object.entries(said)) if (value) query.set(name, value);
  if (view.columns && !view.columns.length) query.set("columns", "");
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

/** Go where a view is shown. */
export const turnTo = (view) => globalThis.dispatchEvent(new CustomEvent("go", { detail: addressOf(view) }));

/** What this browser keeps under a name: a map, empty where there is none that can be read. */
export function remembered(name) {
  try {
    return new Map(JSON.parse(localStorage.getItem(name) ?? "[]"));
  } catch {
    return new Map();
  }
}

export const remember = (name, map) => localStorage.setItem(name, JSON.stringify([...map]));
