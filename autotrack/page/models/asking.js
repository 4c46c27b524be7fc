// What the registry is asked, and what it is told to change.

import { MLFLOW, OWN, ask, experiments, get, post, runs } from "../api.js";
import { among, text } from "../filter.js";

const MODELS = `${MLFLOW}registered-models/`;
const VERSIONS = `${MLFLOW}model-versions/`;
const BEYOND = `${OWN}model-versions/`;
const SHOWN = 200; // versions of a model that get the metrics of their runs

/** One page of the models, and the token of the next. */
export async function models(where, token) {
  const found = await get(`${MODELS}search`, { filter: where, max_results: 200, ...(token ? { page_token: token } : {}) });
  return { models: found.registered_models ?? [], next: found.next_page_token };
}

export const model = async (name) => (await get(`${MODELS}get`, { name })).registered_model;

/** The versions of a model, the newest first. */
export async function versions(name) {
  const asked = { filter: `name = ${text(name)}`, order_by: "version_number DESC", max_results: 10_000 };
  return (await get(`${VERSIONS}search`, asked)).model_versions ?? [];
}

/** The runs of the newest of some versions, by their ids. */
export async function runsOf(versions) {
  const ids = [...new Set(versions.slice(0, SHOWN).map((one) => one.run_id).filter(Boolean))];
  if (!ids.length) return new Map();
  const everywhere = (await experiments()).map((one) => one.experiment_id);
  const found = await runs(everywhere, { where: among("run_id", ids), order: [], limit: SHOWN });
  return new Map(found.runs.map((run) => [run.id, run]));
}

export const lineage = (name, version) => get(`${BEYOND}lineage`, { name, version });
export const history = async (name) => (await get(`${OWN}registry/history`, { name })).changes ?? [];
export const verdict = async () => (await get(`${OWN}registry/verify`, {})).verdict;

/** Versions of a model side by side, part by part. */
export const compared = async (name, numbers) =>
  (await get(`${BEYOND}compare`, numbers.map((one) => ["versions", `models:/${name}/${one}`]))).parts ?? [];

export const promote = async (wish) => (await post(`${BEYOND}promote`, wish)).promotion;
export const rollback = async (wish) => (await post(`${BEYOND}rollback`, wish)).promotion;
export const approve = (wish) => post(`${BEYOND}approve`, wish);
export const removeAlias = (wish) => ask("DELETE", `${MODELS}alias`, wish);

/** Give a model, or with a number a version of it, another description. */
export const describe = (name, version, description) =>
  ask("PATCH", version ? `${VERSIONS}update` : `${MODELS}update`, { name, ...(version ? { version } : {}), description });

export const setTag = (name, version, key, value) =>
  post(`${version ? VERSIONS : MODELS}set-tag`, { name, ...(version ? { version } : {}), key, value });

export const deleteTag = (name, version, key) =>
  ask("DELETE", `${version ? VERSIONS : MODELS}delete-tag`, { name, ...(version ? { version } : {}), key });
