// One experiment: what it is to find out, what was noted, its best runs, its searches, and reports of it.

import { later } from "../compare/figure.js";
import { readOnly } from "../changing.js";
import { address, h, link, section } from "../dom.js";
import { behind, field, form } from "../form.js";
import { ago, moment } from "../format.js";
import { markdown } from "../markdown.js";
import { shown, told } from "../runs/columns.js";
import * as asking from "./asking.js";
import { editable } from "./editing.js";

const BEST = 5;

export async function seen(query, allowed, again) {
  const id = query.get("experiment");
  const experiment = await asking.experiment(id);
  const deleted = experiment.lifecycle_stage !== "active";
  const edit = (what) => editable(experiment, what, allowed, again);
  const objective = experiment.tags.get(asking.OBJECTIVE) ?? "";
  const text = (value) => h("p", {}, value);
  const code = (value) => h("p", {}, h("code", {}, value));
  return {
    title: experiment.name,
    trail: [h("a", { href: "/?experiments" }, "experiments"), experiment.name],
    content: [
      h("h1", {}, experiment.name, deleted ? [" ", h("span", { class: "chip" }, "deleted")] : null),
      h("p", { class: "dim" }, facts(experiment)),
      allowed.read_only ? readOnly() : null,
      deleted ? null : h("p", { class: "places" }, places(experiment)),
      section("Question", edit({ key: asking.QUESTION, title: "Question", what: "question", show: text })),
      section("Notes", edit({ key: asking.NOTES, title: "Notes", what: "notes", long: true, show: (notes) => h("div", { class: "notes" }, markdown(notes)) })),
      deleted ? null : later("Best runs", () => best(experiment)),
      deleted ? null : later("Searches and studies", () => searches(id)),
      h("div", { class: "beside" }, [
        section("Objective", edit({ key: asking.OBJECTIVE, title: "Metric", what: "metric that counts", show: code })),
        objective ? section("Which of its values are better", edit({ key: `${asking.BEST}${objective}`, title: "min or max", what: "direction", show: code })) : null,
        section("Columns of its table of runs", edit({ key: asking.COLUMNS, title: "Fields with commas between them", what: "columns", show: code })),
      ]),
      allowed.read_only ? null : section("This experiment", life(experiment, deleted, again)),
    ].flat(),
  };
}

function facts(experiment) {
  const made = Number(experiment.creation_time);
  const runs = `${experiment.runs} ${experiment.runs === 1 ? "run" : "runs"}`;
  return [runs, experiment.last === null ? "" : `the last one began ${ago(experiment.last)}`, `made ${moment(made)}`].filter(Boolean).join(" · ");
}

/** Where one goes from here: its runs, all of them compared, and what can be handed on. */
function places(experiment) {
  const id = experiment.experiment_id;
  const report = (more) => `/api/autotrack/report?${new URLSearchParams({ experiment_id: id, ...more })}`;
  const columns = experiment.tags.get(asking.COLUMNS);
  return [
    h("a", { href: address({ e: id, columns }) }, "Runs"), h("a", { href: address({ compare: "all", e: id }) }, "Compare"),
    h("a", { href: report({}), target: "_blank", rel: "noopener" }, "Report"),
    h("a", { href: report({ download: "true" }), download: true }, "as a file"),
    h("a", { href: report({ format: "md", download: "true" }), download: true }, "as Markdown"),
  ].flatMap((one) => [one, " "]);
}

async function best(experiment) {
  if (!experiment.runs) {
    return [h("p", {}, "It has no run yet. Record one:"), h("pre", {}, `AUTOTRACK_EXPERIMENT=${quoted(experiment.name)} autotrack run train.py`)];
  }
  const { rows, columns, metric, sign, said } = await asking.best(experiment.experiment_id, BEST);
  const [, ...others] = columns;
  const heads = [h("th", { scope: "col" }, "Run"), ...others.map((one) => h("th", { scope: "col", class: numeric(one) ? "number" : null }, one.title))];
  const lines = rows.map(({ id: run, values: [name, ...values] }) => h("tr", {}, h("th", { scope: "row" }, link({ run }, name || run.slice(0, 8))),
    others.map((one, n) => h("td", { class: numeric(one) ? "number" : null, title: told(one, values[n]) }, cell(one, values[n])))));
  const by = sign ? `by the ${sign < 0 ? "least" : "greatest"} ${metric} that each reached${said ? "" : "; nobody has said yet which metric counts here"}`
    : "the newest, as it is not known which values of which metric are better";
  return [h("p", { class: "dim" }, by), h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Best runs" },
    h("table", { class: "list" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, lines)))];
}

const cell = (column, value) => (column.name === "status" ? h("span", { class: `status ${value}` }, value.toLowerCase()) : shown(column, value, new Map()));

/** A name as a shell takes it. */
const quoted = (text) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

const numeric = (column) => column.kind === "metrics";

async function searches(id) {
  const found = (await asking.parents(id)).filter((one) => one.values[0]);
  if (!found.length) return null;
  const rows = found.map((one) => h("tr", {}, h("th", { scope: "row" }, link({ study: one.values[0] }, one.name || one.values[0].slice(0, 8))),
    h("td", {}, `${one.runs} ${one.runs === 1 ? "trial" : "trials"}`), h("td", {}, one.running ? `${one.running} running` : null)));
  return h("div", { class: "wide" }, h("table", { class: "list" }, h("tbody", {}, rows)));
}

function life(experiment, deleted, again) {
  const id = experiment.experiment_id;
  if (deleted) {
    return form("Restore", [], async () => {
      await asking.restore(id);
      await again(`${experiment.name} is back, with the runs that were not deleted on their own.`);
    });
  }
  return [
    behind("Rename…", form("Rename", [field("Name", h("input", { name: "name", required: true, maxlength: 500, value: experiment.name }))], async ({ name }) => {
      await asking.rename(id, name.trim());
      await again(`It is called ${name.trim()}.`);
    })),
    behind("Delete…", h("p", {}, `Its ${experiment.runs} runs are hidden with it. Nothing is removed: it can be restored.`), form(`Delete ${experiment.name}`, [], async () => {
      await asking.remove(id);
      globalThis.dispatchEvent(new CustomEvent("go", { detail: "/?experiments" }));
    })),
  ];
}
