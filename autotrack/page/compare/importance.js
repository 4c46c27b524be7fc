// Which parameters mattered for a metric, with how much certainty and from how many runs.

import { get, OWN } from "../api.js";
import { h, note, svg } from "../dom.js";
import { number } from "../format.js";
import { choice } from "./figure.js";

const SHOWN = 20;

export function importance(frame, query, metric) {
  let chosen = frame.has(query.get("of")) ? query.get("of") : metric;
  const place = h("div", { "aria-live": "polite" });
  const fill = async () => {
    place.replaceChildren(h("p", { class: "dim" }, "calculated where the server runs …"));
    const asked = [...frame.scope.experiments.map((id) => ["experiment_ids", id]), ["metric", frame.title(chosen)], ["filter", frame.scope.where]];
    try {
      place.replaceChildren(...told(await get(`${OWN}importance`, asked)));
    } catch (error) {
      place.replaceChildren(h("p", { class: "dim" }, error.message));
    }
  };
  const metrics = frame.fields.filter((one) => one.kind === "metrics");
  const choices = h("p", { class: "choices" }, choice("for", metrics, chosen, (name) => {
    chosen = name;
    note({ of: name });
    return fill();
  }));
  fill();
  return [choices, place];
}

function told(found) {
  const weights = found.weights.slice(0, SHOWN);
  const most = Math.max(0.01, ...weights.map((one) => one.permutation + one.permutation_std));
  const trusted = found.score > 0.2;
  return [
    h("p", {}, `${found.more ? "The newest " : ""}${found.runs} runs; their parameters explain `, h("b", {}, `${number(Math.max(0, Math.round(found.score * 100)))} %`),
      ` of its variance in runs not seen (R² ${number(found.score)} ± ${number(found.score_std)})`,
      trusted ? "." : ": too little to say what mattered."),
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Importance of parameters" }, h("table", { class: trusted ? "weights" : "weights dim" },
      h("thead", {}, h("tr", {}, ["parameter", "lost when shuffled", "± over folds", "share alone", "rank correlation", "runs", "values"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, weights.map((one) => h("tr", {}, h("th", { scope: "row" }, one.parameter),
        h("td", {}, bar(one, most), number(one.permutation)), h("td", {}, number(one.permutation_std)), h("td", {}, number(one.share)),
        h("td", {}, one.correlation === null || one.correlation === undefined ? "" : `${one.numeric ? "" : "η "}${number(one.correlation)}`),
        h("td", {}, one.runs), h("td", {}, one.distinct)))))),
    found.weights.length > SHOWN ? h("p", { class: "dim" }, `and ${found.weights.length - SHOWN} more`) : "",
  ];
}

/** A bar with its deviation. */
function bar({ permutation, permutation_std: spread }, most) {
  const at = (value) => (120 * Math.max(0, Math.min(most, value))) / most;
  return svg("svg", { viewBox: "0 0 120 12", width: 120, height: 12, class: "bar", "aria-hidden": "true" },
    svg("rect", { x: 0, y: 2, width: at(permutation), height: 8 }),
    svg("path", { d: `M${at(permutation - spread)} 6H${at(permutation + spread)}` }));
}
