// The curves of several runs over one another, a chart for each metric.

import { OWN, post } from "../api.js";
import { chart, grouped, switches, View } from "../chart/curves.js";
import { h } from "../dom.js";
import { key as spelt } from "../filter.js";

/** What shows them, how to `refresh` it, and what to `leave`; null where no metric is a curve in two of the runs. */
export async function curves(runs, names, scope, query) {
  const keys = [...new Set(runs.flatMap((run) => [...run.metrics.keys()]))].filter((key) => !key.startsWith("system/"));
  let points = await counted(keys, scope);
  const drawn = [...grouped(keys).values()].flat().map((key) => [key, runs.flatMap((run, n) =>
    (points(run.id, key) > 1 ? [{ run: run.id, key, label: names[n], start: run.start }] : []))]).filter(([, some]) => some.length > 1);
  if (!drawn.length) return null;
  const view = new View(query);
  const charts = drawn.map(([key, some]) => chart(key, some, view));
  const refresh = async () => {
    points = await counted(keys, scope);
    await Promise.all(charts.map((one) => one.refresh(({ run, key }) => points(run, key))));
  };
  return { content: [switches(view), h("div", { class: "charts" }, charts)], refresh, leave: () => view.leave() };
}

/** How many points a metric of a run has. Of runs that are deleted nothing is told, and it is taken for a curve. */
async function counted(keys, { experiments, where, order }) {
  if (!keys.length) return () => 0;
  const columns = keys.slice(0, 400).map((key) => `count(${spelt(key)})`);
  const asked = { experiment_ids: experiments, columns, filter: where, order_by: order ?? [], max_results: 100 };
  const found = (await post(`${OWN}runs/columns`, asked)).columns;
  const place = new Map((found.run_ids ?? []).map((id, n) => [id, n]));
  const values = new Map((found.columns ?? []).map((one, n) => [keys[n], one.values]));
  return (id, key) => (place.has(id) && values.has(key) ? values.get(key)[place.get(id)] ?? 0 : 2);
}
