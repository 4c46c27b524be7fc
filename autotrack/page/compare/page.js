// Runs beside one another: `compare=ID,ID`, `compare=all` with `e` and `where` for those that fit a filter, `compare=all` with
// `trials=ID` for the candidates of a search.

import { chart } from "../chart/curves.js";
import { h, link, section } from "../dom.js";
import { differences, MOST as BESIDE } from "./differences.js";
import { evidence } from "./evidence.js";
import { later } from "./figure.js";
import { frameOf } from "./frame.js";
import { heat } from "./heat.js";
import { importance } from "./importance.js";
import { parallel } from "./parallel.js";
import { scatter } from "./scatter.js";

const [FEW, ENOUGH] = [4, 8];

export async function page(query) {
  const frame = await frameOf(query);
  const trials = query.has("trials");
  const first = frame.runs.slice(0, BESIDE);
  const apart = !trials && frame.size > 1 ? await differences(frame, query) : null;
  const charts = curves(first);
  const live = first.length === frame.size && first.some((run) => run.status === "RUNNING");
  return {
    title: "comparison",
    trail: [link({ e: query.get("e"), where: query.get("where") }, "runs"), `comparison of ${frame.size}`],
    live,
    refresh: () => Promise.all([apart?.refresh(), ...charts.map((one) => one.refresh?.())]),
    content: frame.size
      ? [...head(frame, query), section("What differs", apart?.content), section("Curves", charts.length ? h("div", { class: "charts" }, charts) : null),
         ...figures(frame, query, trials)]
      : [h("h1", {}, "Nothing to compare"), h("p", {}, "No run fits the filter ", h("code", {}, query.get("where") ?? ""), ".")],
  };
}

function head(frame, query) {
  const what = query.has("trials")
    ? ["of the search ", link({ run: query.get("trials") }, query.get("trials").slice(0, 8))]
    : query.get("where") ? ["that fit ", h("code", {}, query.get("where"))] : [];
  return [h("h1", {}, `${frame.size} ${frame.what}`, frame.more ? h("span", { class: "dim" }, " and more, which are left out") : null),
    what.length ? h("p", { class: "dim" }, what) : null].filter(Boolean);
}

function curves(runs) {
  const keys = [...new Set(runs.flatMap((run) => [...run.metrics.keys()]))].filter((key) => !key.startsWith("system/")).sort();
  const label = (run) => `${run.name || "run"} ${run.id.slice(0, 6)}`;
  return keys.filter((key) => runs.filter((run) => run.metrics.has(key)).length > 1).map((key) => chart(key,
    runs.filter((run) => run.metrics.has(key)).map((run) => ({ run: run.id, key, label: label(run) })), { axis: "step" }));
}

/** What many runs say together, each once it comes into sight. */
function figures(frame, query, trials) {
  const params = frame.fields.filter((one) => one.kind === "params" && one.varies && !/(^|[_.])(seed|random_state)$/i.test(one.key));
  const metric = telling(frame.fields.filter((one) => one.kind === "metrics"))?.name;
  const names = params.map((one) => one.name);
  if (frame.size < FEW || !metric || !names.length) return [trials ? null : later("Confusion matrices and ROC curves", () => evidence(frame, query))];
  const [finest] = params.toSorted((a, b) => b.distinct - a.distinct);
  const [down, across] = params.toSorted((a, b) => a.distinct - b.distinct);
  return [
    across ? later("Heat map", () => heat(frame, query, { down: down.name, across: across.name, mean: metric })) : null,
    later("Parallel coordinates", () => parallel(frame, query, { axes: names.slice(0, 6), metric })),
    later("Scatter", () => scatter(frame, query, { x: finest.name, y: metric, colour: across ? down.name : null })),
    !trials && frame.size >= ENOUGH ? later("Importance", () => importance(frame, query, metric)) : null,
    trials ? null : later("Confusion matrices and ROC curves", () => evidence(frame, query)),
  ];
}

/** The metric that a comparison is most likely about. */
function telling(metrics) {
  const rank = ({ key, varies }) => [/^(value|mean_test_score)$/, /^(val|valid|validation|eval|test)[/_-].*loss/, /^(val|valid|validation|eval|test)[/_-]/, /loss|acc|auc|f1|score|error|rmse|mae|r2/]
    .findIndex((one) => one.test(key)) + (varies ? 0 : 10);
  const ranked = metrics.map((one) => [(rank(one) + 5) % 5 + (one.varies ? 0 : 10), one]);
  return ranked.sort((a, b) => a[0] - b[0])[0]?.[1];
}
