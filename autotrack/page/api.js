// What the server is asked. Failures are errors that say what it said.

export const MLFLOW = "/ajax-api/2.0/mlflow/";
export const OWN = "/api/autotrack/";

async function answer(response) {
  if (response.ok) return response.json();
  let said = `${response.status} ${response.statusText}`;
  try {
    said = (await response.json()).message || said;
  } catch {
    // no JSON: a proxy between us
  }
  throw new Error(said);
}

export const get = (path, query) => fetch(`${path}?${new URLSearchParams(query)}`).then(answer);

/** A question with a body, or a change. It says who asks, by the name that somebody gave himself on these pages. */
export function ask(method, path, body) {
  const name = localStorage.getItem("name") ?? "";
  const headers = { "Content-Type": "application/json", ...(name ? { "X-Autotrack-User": encodeURIComponent(name) } : {}) };
  return fetch(path, { method, headers, body: JSON.stringify(body) }).then(answer);
}

export const post = (path, body) => ask("POST", path, body);

/** Whether this server takes changes, and what it calls whoever asks. */
export const access = () => get(`${OWN}access`, {});

export async function experiments() {
  const found = await get(`${MLFLOW}experiments/search`, { max_results: 1000 });
  return found.experiments ?? [];
}

/** One page of runs, and the token of the next. */
export async function runs(ids, { where, order, token, limit }) {
  const asked = { experiment_ids: ids, filter: where, order_by: order, max_results: limit, page_token: token };
  const found = await post(`${MLFLOW}runs/search`, asked);
  return { runs: (found.runs ?? []).map(read), next: found.next_page_token };
}

export async function run(id) {
  return read((await get(`${MLFLOW}runs/get`, { run_id: id })).run);
}

export async function model(id) {
  return (await get(`${MLFLOW}logged-models/${encodeURIComponent(id)}`, {})).model;
}

export async function files(id, path = "") {
  return (await get(`${MLFLOW}artifacts/list`, { run_id: id, path })).files ?? [];
}

export const fileAddress = (id, path) => `/get-artifact?${new URLSearchParams({ run_id: id, path })}`;

/** The beginning of a file as text. */
export async function text(id, path, most = 200_000) {
  const response = await fetch(fileAddress(id, path), { headers: { Range: `bytes=0-${most - 1}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response.text();
}

/** A curve at a zoom: buckets with exact extremes. */
export function history(id, key, { axis, start, end, points }) {
  const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
  return get(`${OWN}history`, { run_id: id, key, axis, points, ...range });
}

/** A run with maps instead of lists, and numbers that may be NaN or infinite. */
export function read({ info, data, inputs, outputs }) {
  const map = (list, value = (one) => one.value) => new Map((list ?? []).map((one) => [one.key, value(one)]));
  return {
    id: info.run_id,
    name: info.run_name ?? "",
    status: info.autotrack_status ?? info.status,
    error: info.error ?? "",
    experiment: info.experiment_id,
    start: Number(info.start_time),
    end: info.end_time ? Number(info.end_time) : null,
    user: info.user_id ?? "",
    metrics: map(data.metrics, (one) => Number(one.value)),
    params: map(data.params),
    tags: map(data.tags),
    inputs: inputs?.dataset_inputs ?? [],
    models: (outputs?.model_outputs ?? []).map((one) => one.model_id),
  };
}
