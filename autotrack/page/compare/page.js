// Runs beside one another: `compare=ID,ID`, `compare=all` with `e` and `where` for those that fit a filter, `compare=all` with
// `trials=ID` for the candidates of a search.

import { h, link, section } from "../dom.js";
import { fold } from "../run/fold.js";
import { curves } from "./curves.js";
import { differences, MOST as BESIDE } from "./differences.js";
import { evidence } from "./evidence.js";
import { later } from "./figure.js";
import { frameOf } from "./frame.js";
import { heat } from "./heat.js";
import { importance } from "./importance.js";
import { parallel } from "./parallel.js";
import { scatter } from "./scatter.js";

const [FEW, MANY, ENOUGH] = [4, 6, 8];
const SEED = /(^|[_.])(seed|random_state)$/i;

export async function page(query) {
  const frame = await frameOf(query);
  const shown = { title: "comparison", trail: [link({ e: query.get("e"), where: query.get("where") }, "runs"), `comparison of ${frame.size}`] };
  if (!frame.size) return { ...shown, content: [h("h1", {}, "Nothing to compare"), h("p", {}, "No run fits the filter ", h("code", {}, query.get("where") ?? ""), ".")] };
  const content = [...head(frame, query)];
  if (frame.what !== "runs") return { ...shown, content: [...content, ...figures(frame, query)] };
  const runs = frame.runs.slice(0, BESIDE);
  const many = frame.size >= MANY;
  let apart = null;
  const differing = async () => (apart = await differences(frame, query)).content;
  const drawn = await curves(runs, frame.names, frame.scope, query);
  const differs = frame.size < 2 ? null
    : many ? fold("differs", "What differs", { open: false, more: `${runs.length} of them side by side`, make: differing }) : section("What differs", ...await differing());
  const over = section("Curves", drawn?.content ?? []);
  content.push(...(many ? [...figures(frame, query), differs, over] : [differs, over, ...figures(frame, query)]),
    later("Confusion matrices and ROC curves", () => evidence(frame, query)));
  return {
    ...shown,
    content,
    live: runs.length === frame.size && runs.some((run) => run.status === "RUNNING"),
    refresh: () => Promise.all([apart?.refresh(), drawn?.refresh()]),
    leave: () => drawn?.leave(),
  };
}

function head(frame, query) {
  const what = query.has("trials")
    ? ["of the search ", link({ run: query.get("trials") }, query.get("trials").slice(0, 8))]
    : query.get("where") ? ["that fit ", h("code", {}, query.get("where"))] : [];
  return [h("h1", {}, `${frame.size} ${frame.what}`, frame.more ? h("span", { class: "dim" }, " and more, which are left out") : null),
    what.length ? h("p", { class: "dim" }, what) : null];
}

/** What many runs say together, each once it comes into sight. */
function figures(frame, query) {
  const metrics = frame.fields.filter((one) => one.kind === "metrics");
  const goal = metrics.find((one) => one.name === frame.goal) ?? telling(metrics);
  const params = frame.fields.filter((one) => one.kind === "params" && goal && !SEED.test(one.key)).map((one) => ({ ...one, distinct: choices(one, goal) }))
    .filter((one) => one.distinct > 1);
  if (frame.size < FEW || !params.length) return [];
  const metric = goal.name;
  const [finest] = params.toSorted((a, b) => b.distinct - a.distinct);
  const [down, across] = params.toSorted((a, b) => a.distinct - b.distinct);
  return [
    later("Parallel coordinates", () => parallel(frame, query, { axes: params.slice(0, 6).map((one) => one.name), metric })),
    later("Scatter", () => scatter(frame, query, { x: finest.name, y: metric, colour: across ? down.name : null })),
    frame.scope && frame.size >= ENOUGH ? later("Importance", () => importance(frame, query, metric)) : null,
    across ? later("Heat map", () => heat(frame, query, { down: down.name, across: across.name, mean: metric })) : null,
  ];
}

/** How many different values a parameter has in the runs that have a metric; none if most of them lack it. */
function choices(param, metric) {
  const both = [...metric.rows].filter((row) => param.rows.has(row));
  return both.length < metric.rows.size / 2 ? 0 : new Set(both.map((row) => param.values[row])).size;
}

/** The metric that a comparison is most likely about: one that most runs have and that differs, of validation or test, then
 * a loss or a score. */
function telling(metrics) {
  const kinds = [/^(val|valid|validation|eval|test)[/_-].*loss/, /^mean_test_score$|^(val|valid|validation|eval|test)[/_-]/, /loss|acc|auc|f1|score|error|rmse|mae|r2/];
  const most = Math.max(...metrics.map((one) => one.rows.size));
  const kind = ({ key }) => (kinds.findIndex((one) => one.test(key)) + kinds.length + 1) % (kinds.length + 1);
  const rank = (one) => (one.varies ? 0 : 20) + (one.rows.size < most / 2 ? 10 : 0) + kind(one);
  return metrics.toSorted((a, b) => rank(a) - rank(b))[0];
}
