// Runs side by side: what differs first, and their curves in one chart each.

import * as api from "../api.js";
import { chart, colour } from "../chart/curves.js";
import { h, link, section } from "../dom.js";
import * as format from "../format.js";

export async function page(query) {
  const runs = await Promise.all(query.get("compare").split(",").slice(0, 20).map(api.run));
  const names = new Map(runs.map((run) => [run.id, `${run.name || "run"} ${run.id.slice(0, 6)}`]));
  const keys = [...new Set(runs.flatMap((run) => [...run.metrics.keys()]))].filter((key) => !key.startsWith("system/")).sort();
  const shared = keys.filter((key) => runs.filter((run) => run.metrics.has(key)).length > 1);
  const code = (run) => new Map(["commit", "branch"].map((name) => [name, run.tags.get(`mlflow.source.git.${name}`) ?? ""]));
  const data = (run) => new Map(run.inputs.map(({ dataset, tags }) => [`${dataset.name} ${tags?.[0]?.value ?? ""}`, dataset.digest]));
  return {
    title: "comparison",
    trail: [link({}, "runs"), `comparison of ${runs.length}`],
    live: runs.some((run) => run.status === "RUNNING"),
    content: [
      h("h1", {}, "Comparison"),
      section("What differs", table(runs, names, [
        ["parameters", (run) => run.params],
        ["metrics", (run) => new Map(keys.map((key) => [key, format.number(run.metrics.get(key))]))],
        ["data", data],
        ["code", code],
      ])),
      section("Curves", h("div", { class: "charts" }, shared.map((key) => chart(key,
        runs.filter((run) => run.metrics.has(key)).map((run) => ({ run: run.id, key, label: names.get(run.id) })),
        { axis: "step" })))),
    ],
  };
}

function table(runs, names, parts) {
  const rows = parts.flatMap(([title, of]) => {
    const facts = runs.map(of);
    const keys = [...new Set(facts.flatMap((one) => [...one.keys()]))].sort();
    const told = keys.map((key) => [key, facts.map((one) => one.get(key) ?? "")]);
    const different = told.filter(([, values]) => new Set(values).size > 1);
    const same = told.length - different.length;
    if (!told.length) return [];
    return [
      h("tr", { class: "part" }, h("th", { scope: "rowgroup", colspan: runs.length + 1 }, title,
        same ? h("span", { class: "dim" }, `  ${same} the same in all`) : null)),
      ...different.map(([key, values]) => h("tr", {}, h("th", { scope: "row" }, key), values.map((value) => h("td", {}, value)))),
    ];
  });
  const heads = runs.map((run, n) => {
    const dot = h("i", { class: "dot" });
    dot.style.background = colour(n);
    return h("th", { scope: "col" }, dot, " ", link({ run: run.id }, names.get(run.id)));
  });
  return h("div", { class: "wide" }, h("table", { class: "sides" }, h("thead", {}, h("tr", {}, h("td", {}), heads)), h("tbody", {}, rows)));
}
