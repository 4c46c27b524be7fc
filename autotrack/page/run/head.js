// What a run is, in a few lines that stay in sight.

import { h, link, pairs } from "../dom.js";
import * as format from "../format.js";
import { role } from "./data.js";

/** Its name and state, and how long it took. */
export function title(run) {
  return [h("h1", {}, run.name || "run"), " ", h("span", { class: `status ${run.status}` }, run.status.toLowerCase()), " ",
    h("span", { class: "dim" }, format.took(run))];
}

/** What was trained, in words: the class that an integration names, else the model's name. */
export function trained(run, inferred, models) {
  const said = inferred.find((one) => one.key === "trained")?.value.split(",")[0];
  return run.tags.get("estimator_name") ?? said ?? models.map((one) => one.info.name).join(", ");
}

/** The facts of a run that one looks for first. */
export function facts(run, { experiment, inferred }, models) {
  const tag = (key) => run.tags.get(key) ?? "";
  const commit = tag("mlflow.source.git.commit").slice(0, 10);
  const other = (key) => tag(key) && link({ run: tag(key) }, tag(key).slice(0, 8));
  const sets = run.inputs.filter((one) => role(one) !== "read").map(({ dataset }) => dataset.name);
  const exit = tag("autotrack.exit_code").replace("unknown", "");
  const seeds = [...run.tags].filter(([key]) => key.startsWith("autotrack.seed.")).map(([key, value]) => `${key.slice(15)} ${value}`);
  const rows = [
    ["trained", trained(run, inferred, models)],
    ["on", [...new Set(sets)].slice(0, 6).join(", ") + (sets.length > 6 ? ", …" : "")],
    ["experiment", link({ experiment: run.experiment }, experiment)],
    ["started", `${format.moment(run.start)} (${format.ago(run.start)})`],
    ["ended", run.end ? format.moment(run.end) : ""],
    ["exit code", exit && exit !== "0" ? exit : ""],
    ["user", run.user],
    ["source", tag("mlflow.source.name")],
    ["commit", commit && `${commit}${tag("autotrack.git.dirty") === "true" ? ", changed" : ""}`],
    ["started by", tag("autotrack.launcher")],
    ["seeds", seeds.join(", ")],
    ["repeats", other("autotrack.reproduces")],
    ["part of", other("mlflow.parentRunId")],
    ["run", h("code", {}, run.id)],
  ];
  return h("div", { class: "facts" }, pairs(rows.filter(([, value]) => value)));
}

/** What is typed to have it again. */
export function again(run, models) {
  return [
    h("p", {}, "The same program on the same code, with the same packages and data:"),
    h("pre", { class: "one" }, `autotrack reproduce ${run.id.slice(0, 8)}`),
    models.length ? h("p", {}, "What it made:") : null,
    ...models.map(({ info }) => h("pre", { class: "one" }, `autotrack.pyfunc.load_model("models:/${info.model_id}")`)),
    h("p", {}, "What it recorded:"),
    h("pre", { class: "one" }, `autotrack show ${run.id.slice(0, 8)}`),
  ];
}
