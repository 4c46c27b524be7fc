// What the server is asked about one run.

import { files, get, MLFLOW, OWN, runs, text } from "../api.js";

const MOST_CHILDREN = 100;
const SMALL = 4_000_000; // bytes of a fact of the context

/**
 * What is known of a run, and what it comes to (its metrics over their whole life, what was inferred, which versions were
 * registered), as the server's own texts: one of them differs once anything has changed. A browser asks whether it has.
 */
export const state = (id) => Promise.all([`${MLFLOW}runs/get`, `${OWN}run`].map(async (path) => {
  const response = await fetch(`${path}?${new URLSearchParams({ run_id: id })}`);
  if (response.ok) return response.text();
  throw new Error((await response.json().catch(() => ({}))).message ?? `${response.status} ${response.statusText}`);
}));

/** The runs below it, the newest first. */
export async function children(run) {
  const where = `tags.\`mlflow.parentRunId\` = '${run.id}'`;
  return runs([run.experiment], { where, order: ["start_time DESC"], limit: MOST_CHILDREN });
}

/** A file of the run's context as a text, null where it has none; the files may be another run's. */
export async function context(run, name) {
  try {
    return await text(home(run), `context/${name}`, SMALL);
  } catch {
    return null;
  }
}

/** The same as a value. */
export async function fact(run, name) {
  try {
    return JSON.parse((await context(run, name)) ?? "null");
  } catch {
    return null;
  }
}

/** Whose files have its context. */
export const home = (run) => run.tags.get("autotrack.context") || run.id;

/** All files below a directory, a few levels deep. */
export async function below(id, path, depth = 6) {
  const found = await files(id, path);
  const inner = await Promise.all(found.map((one) => (one.is_dir && depth ? below(id, one.path, depth - 1) : [one])));
  return inner.flat().filter((one) => !one.is_dir);
}

/** The first rows of a Parquet file. */
export const rows = (id, path) => get(`${OWN}artifact/rows`, { run_id: id, path });

/** Where a file is a page that can do nothing. */
export const pageAddress = (id, path) => `${OWN}artifact/page?${new URLSearchParams({ run_id: id, path })}`;

/** What lies in a directory of a model. */
export const modelFiles = async (id, path) =>
  (await get(`${MLFLOW}logged-models/${encodeURIComponent(id)}/artifacts/directories`, { artifact_directory_path: path })).files ?? [];

export const modelFileAddress = (id, path) =>
  `${MLFLOW}logged-models/${encodeURIComponent(id)}/artifacts/files?${new URLSearchParams({ artifact_file_path: path })}`;
