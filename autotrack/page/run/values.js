// Metrics, parameters, tags, and what was inferred.

import { h, pairs } from "../dom.js";
import * as format from "../format.js";

const READINGS = [["last", "last"], ["best", "best"], ["minimum", "min"], ["maximum", "max"]];

/** Each metric over its whole life, the most telling first. */
export function metrics(known) {
  if (!known.length) return null;
  const curved = known.some((one) => one.points > 1);
  const shown = curved ? READINGS : READINGS.slice(0, 1); // of a value there is one reading
  const number = (one, name) => {
    if (one[name] === undefined) return h("td", { class: "number" });
    const [value, step] = [Number(one[name]), Number(one[`${name}_step`])];
    const best = name === "best" ? "number best" : "number";
    return h("td", { class: best, title: `${one[name]} at step ${step}` }, format.number(value),
      one.points > 1 && name !== "last" ? h("span", { class: "dim" }, ` @${format.number(step)}`) : null);
  };
  const heads = curved ? ["metric", ...shown.map(([, title]) => title), "points"] : ["metric", "value"];
  return h("div", { class: curved ? "wide" : "wide few" }, h("table", { class: "list" },
    h("thead", {}, h("tr", {}, heads.map((one, n) => h("th", { scope: "col", class: n ? "number" : null }, one)))),
    h("tbody", {}, known.map((one) => h("tr", {}, h("th", { scope: "row" }, one.key),
      shown.map(([name]) => number(one, name)), curved ? h("td", { class: "number dim" }, one.points) : null)))));
}

/** Parameters, with what else they were before or after. */
export const params = (run) => h("div", { class: "dense" }, pairs([...run.params].sort().map(([key, value]) => [key, value, revised(run, key)])));

function revised(run, key) {
  try {
    const values = JSON.parse(run.tags.get(`autotrack.revisions.${key}`) ?? "null");
    return values ? values.slice(1).map(([at, value]) => `${value} from ${format.moment(at)}`).join(", ") : null;
  } catch {
    return null;
  }
}

/** The tags that somebody has set. */
export const tags = (run) => pairs([...run.tags].filter(([key]) => !/^(mlflow|autotrack)\./.test(key)).sort());

/** What an integration has made out, each with the reason. */
export const inferred = (known) => pairs(known.map(({ key, value }) => [key, value]));

/** The programs that have worked on the run one after the other. */
export function segments(run) {
  const rows = [...run.tags].filter(([key]) => /^autotrack\.segment\.\d+$/.test(key)).map(([key, text]) => {
    try {
      const { time, host, after } = JSON.parse(text);
      return [Number(key.split(".").pop()), time ? format.moment(time) : "", host ?? "", after ?? ""];
    } catch {
      return [Number(key.split(".").pop()), text];
    }
  });
  return pairs(rows.sort((a, b) => a[0] - b[0]).map(([n, time, host, after]) => [`segment ${n}`, time, host, after && `after ${after}`]));
}
