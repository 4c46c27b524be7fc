// One run: what was trained on which data, how it went, and all that it left behind.

import * as api from "../api.js";
import { h, link, pairs } from "../dom.js";
import * as format from "../format.js";
import * as ask from "./asking.js";
import { code } from "./code.js";
import { consoles, output } from "./console.js";
import { Curves } from "./curves.js";
import { data, model, registered, role } from "./data.js";
import { environment, packages } from "./environment.js";
import { listing } from "./files.js";
import { contents, fold, to } from "./fold.js";
import { again, facts, title } from "./head.js";
import { inferred, metrics, params, segments, tags } from "./values.js";

/** The parts of the page in their order: what each is made of, and how. It is made anew once what it is made of changes. */
const PARTS = [
  ["facts", ({ said, models }) => [said[0], models], ({ run, told, models }) => facts(run, told, models)],
  ["error", ({ run }) => run.error, ({ run }) => run.error && fold("error", "What went wrong", {}, h("pre", { class: "error", tabindex: 0 }, run.error))],
  ["metrics", ({ told }) => told.metrics, ({ told }) => told.metrics.length && fold("metrics", "Metrics", {}, metrics(told.metrics.filter((one) => !one.key.startsWith("system/"))))],
  ["parameters", ({ run }) => [[...run.params], [...run.tags]], ({ run }) => run.params.size && fold("parameters", "Parameters", { open: run.params.size < 40, more: run.params.size }, params(run))],
  ["data", ({ run }) => run.inputs, ({ run }) => run.inputs.length && fold("data", "Data", { more: run.inputs.length }, h("div", { class: "cards" }, sorted(run.inputs).map(data)))],
  ["models", ({ models, told }) => [models, told.versions], ({ models, told }) => models.length && fold("models", "Models", { more: models.length }, h("div", { class: "cards" }, models.map((one) => model(one, told.versions))))],
  ["versions", ({ told }) => told.versions, ({ told }) => told.versions.length && fold("versions", "Registered", {}, pairs(told.versions.map((one) => [registered(one), one.current_stage ?? "", (one.aliases ?? []).map((name) => `@${name}`).join(" ")])))],
  ["children", ({ below, files }) => [below.runs, searched(files)], ({ run, below, files }) => (below.runs.length || searched(files)) && fold("children", "Runs below it", { more: `${below.runs.length}${below.next ? " and more" : ""}` }, h("p", {}, link({ study: run.id }, "as trials of a search")), family(below.runs))],
  ["inferred", ({ told }) => told.inferred, ({ told }) => told.inferred.length && fold("inferred", "Inferred, and why", {}, inferred(told.inferred))],
  ["files", ({ files }) => files, ({ run, files }) => files.some((one) => one.path !== "context") && fold("files", "Files", {}, listing(run.id, files))],
  ["console", ({ run, files }) => [run.id, consoles(files)], ({ run, files }) => consoles(files).length && fold("console", "Console", { open: run.status !== "FINISHED", make: () => consoles(files).map((path) => output(run.id, path)) })],
  ["code", ({ run, files }) => files.some((one) => one.path === "context") || ask.home(run), ({ run }) => fold("code", "Code", { open: false, make: () => code(run) })],
  ["environment", ({ run }) => ask.home(run), ({ run }) => fold("environment", "Environment", { open: false, make: () => environment(run) })],
  ["packages", ({ run }) => ask.home(run), ({ run }) => fold("packages", "Packages", { open: false, make: () => packages(run) })],
  ["segments", ({ run }) => [...run.tags], ({ run }) => segments(run) && fold("segments", "Segments", { open: false }, segments(run))],
  ["again", ({ run, models }) => [run.id, models], ({ run, models }) => fold("again", "Again", { open: false }, again(run, models))],
  ["tags", ({ run }) => [...run.tags], ({ run }) => tags(run) && fold("tags", "Tags", {}, tags(run))],
];
const AFTER_CURVES = 2; // what went wrong stands before them

export async function page(query) {
  const id = query.get("run");
  const known = await look(id, await ask.state(id));
  const { run } = known;
  const curves = new Curves(query, known);
  const places = new Map(PARTS.map(([name]) => [name, h("div", { class: "slot" })]));
  const head = h("div", { class: "summary" });
  const made = new Map();
  const elements = [...places.values()];
  elements.splice(AFTER_CURVES, 0, curves.element);
  const fill = () => {
    for (const [name, of, make] of PARTS) {
      const from = JSON.stringify(of(known));
      if (made.get(name) === from || (made.has(name) && busy(places.get(name)))) continue;
      places.get(name).replaceChildren(...[make(known)].filter(Boolean));
      made.set(name, from);
    }
    const sections = elements.flatMap((one) => [...one.querySelectorAll(":scope > details")]);
    head.replaceChildren(h("div", { class: "title" }, ...title(known.run)),
      contents(sections.map((one) => [one.id, one.querySelector("h2").textContent.toLowerCase()])));
  };
  fill();
  if (location.hash) requestAnimationFrame(() => to(location.hash.slice(1)));
  const shown = {
    title: run.name || run.id.slice(0, 8),
    trail: [link({}, "runs"), link({ experiment: run.experiment }, known.told.experiment), run.name || run.id.slice(0, 8)],
    live: run.status === "RUNNING",
    content: [head, ...elements],
    refresh: async () => {
      const said = await ask.state(id);
      const changed = String(said) !== String(known.said);
      if (changed) Object.assign(known, await look(id, said));
      else known.files = await api.files(id);
      shown.live = known.run.status === "RUNNING";
      fill();
      if (changed) await curves.refresh(known);
      await Promise.all([...places.get("console").querySelectorAll("details[open] > .inside > *")].map((one) => one.refresh()));
    },
    leave: () => curves.view.leave(),
  };
  return shown;
}

/** All that is known of a run by now; `said` are the server's own answers about it. */
async function look(id, said) {
  const [{ run: answer }, told] = said.map((text) => JSON.parse(text));
  const run = api.read(answer);
  const [models, files, below] = await Promise.all([
    Promise.all(run.models.map(api.model)), api.files(id).catch(() => []), ask.children(run),
  ]);
  return { said, run, told, models, files, below };
}

/** Data sets, those that were only read last. */
const sorted = (inputs) => [...inputs].sort((a, b) => (role(a) === "read") - (role(b) === "read"));

/** Whether a search has kept its trials there. */
const searched = (files) => files.some((one) => one.path === "trials.json");

/** Whether somebody has unfolded something there, or selected a text. */
function busy(place) {
  const chosen = document.getSelection();
  return (chosen?.toString() && place.contains(chosen.anchorNode)) || place.querySelector("details.fold details[open]:not(.inner)");
}

function family(runs) {
  if (!runs.length) return null;
  const keys = [...new Set(runs.flatMap((run) => [...run.metrics.keys()]))].slice(0, 3);
  return h("div", { class: "wide tall" }, h("table", { class: "list" },
    h("thead", {}, h("tr", {}, ["name", "state", "took", ...keys].map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, runs.map((run) => h("tr", {}, h("td", {}, link({ run: run.id }, run.name || run.id.slice(0, 8))),
      h("td", {}, h("span", { class: `status ${run.status}` }, run.status.toLowerCase())), h("td", { class: "number" }, format.took(run)),
      keys.map((key) => h("td", { class: "number" }, format.number(run.metrics.get(key)))))))));
}
