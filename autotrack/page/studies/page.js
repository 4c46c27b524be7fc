// A search or a study: how far its trials have come, the best of them, and which parameters mattered.

import * as api from "../api.js";
import { importance } from "../compare/importance.js";
import { later } from "../compare/figure.js";
import { go, h, link, section } from "../dom.js";
import { progress } from "./progress.js";
import { table } from "./table.js";
import { Trials } from "./trials.js";

const ENOUGH = 8;

export async function page(query) {
  const run = await api.run(query.get("study"));
  const [found, { experiment }] = await Promise.all([
    api.get(`${api.OWN}trials`, { run_id: run.id }), api.get(`${api.MLFLOW}experiments/get`, { experiment_id: run.experiment })]);
  const trials = new Trials(found, query);
  const name = run.name || run.id.slice(0, 8);
  return {
    title: name,
    trail: [h("a", { href: "/?experiments" }, "experiments"), link({ experiment: run.experiment }, experiment.name), name],
    live: run.status === "RUNNING",
    content: [
      h("h1", {}, `${name} `, h("span", { class: `status ${run.status}` }, run.status.toLowerCase())),
      h("p", { class: "dim" }, told(trials)),
      h("p", { class: "places" }, link({ run: run.id }, "Its run"), " ", link({ compare: "all", trials: run.id }, "Compare its trials")),
      trials.by ? choices(query, trials) : h("p", {}, "No column of its trials has numbers that they could be ranked by."),
      trials.by ? section("Best so far", progress(trials)) : null,
      section(trials.by ? "Trials by rank" : "Trials", table(query, trials)),
      trials.by && trials.size >= ENOUGH ? await mattered(run, trials, query) : null,
    ],
  };
}

function told(trials) {
  const states = new Map();
  for (const one of trials.column("state") ?? trials.column("status") ?? []) states.set(one, (states.get(one) ?? 0) + 1);
  return [`${trials.size} ${trials.size === 1 ? "trial" : "trials"}`, ...[...states].map(([state, count]) => `${count} ${String(state).toLowerCase()}`)].join(" · ");
}

/** By what the trials are ranked, and which way. */
function choices(query, trials) {
  const given = Object.fromEntries(query);
  const by = h("select", { "aria-label": "Ranked by", onchange: () => go({ ...given, by: by.value, mode: "", sort: "" }) },
    trials.ranking.map((one) => h("option", { value: one.name, selected: one.name === trials.by }, trials.title(one.name))));
  const mode = h("select", { "aria-label": "Better is", onchange: () => go({ ...given, mode: mode.value }) },
    [["min", "less is better"], ["max", "more is better"]].map(([value, title]) => h("option", { value, selected: (trials.sign < 0) === (value === "min") }, title)));
  return h("p", { class: "switches" }, by, mode);
}

/** Which parameters mattered, where the trials are runs. */
async function mattered(run, trials, query) {
  const where = `tags.\`mlflow.parentRunId\` = '${run.id}'`;
  const { runs } = await api.runs([run.experiment], { where, order: [], limit: 1 });
  const metric = runs.length ? trials.metricOf([...runs[0].metrics.keys()]) : null;
  if (!metric) return null;
  const frame = {
    scope: { experiments: [run.experiment], where },
    fields: [{ name: metric, key: metric, kind: "metrics" }],
    has: (name) => name === metric,
    title: (name) => name,
  };
  return later("What mattered", () => importance(frame, query, metric));
}
