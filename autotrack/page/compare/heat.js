// Two parameters and a metric: the mean of the runs that have both values, as a table of colours.

import { h, note } from "../dom.js";
import { number } from "../format.js";
import { choice, scale, tint } from "./figure.js";

const MOST = 24;

export function heat(frame, query, defaults) {
  const chosen = { down: query.get("down"), across: query.get("across"), mean: query.get("mean") };
  for (const [name, value] of Object.entries(defaults)) if (!frame.has(chosen[name])) chosen[name] = value;
  const place = h("div", {});
  const draw = async () => {
    const columns = await frame.columns([chosen.down, chosen.across, chosen.mean]);
    place.replaceChildren(table(columns, [chosen.down, chosen.across, chosen.mean].map((name) => frame.title(name))));
  };
  const pick = (name) => (value) => {
    chosen[name] = value;
    note({ [name]: value });
    return draw();
  };
  const params = frame.fields.filter((one) => one.kind === "params");
  const metrics = frame.fields.filter((one) => one.kind === "metrics");
  const choices = h("p", { class: "choices" },
    choice("rows", params, chosen.down, pick("down")), choice("columns", params, chosen.across, pick("across")),
    choice("mean of", metrics, chosen.mean, pick("mean")));
  return draw().then(() => [choices, place]);
}

function table([downs, acrosses, values], [down, across, metric]) {
  const rows = bins(downs);
  const columns = bins(acrosses);
  const cells = rows.names.map(() => columns.names.map(() => []));
  values.forEach((value, n) => {
    const at = [rows.of(downs[n]), columns.of(acrosses[n])];
    if (typeof value === "number" && Number.isFinite(value) && !at.includes(-1)) cells[at[0]][at[1]].push(value);
  });
  const means = cells.map((row) => row.map((some) => (some.length ? some.reduce((a, b) => a + b, 0) / some.length : null)));
  const known = means.flat().filter((one) => one !== null);
  if (!known.length) return h("p", { class: "dim" }, `No run has ${down}, ${across} and a finite ${metric}.`);
  const shade = scale(known);
  const cell = (mean, some) => {
    const made = h("td", { title: mean === null ? "no run" : `${mean} (${some.length} ${some.length > 1 ? "runs" : "run"})` }, mean === null ? "" : number(mean));
    if (mean !== null) made.style.setProperty("--shade", tint(shade.place(mean)));
    return made;
  };
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `${metric} by ${down} and ${across}` },
    h("table", { class: "heat" },
      h("caption", {}, `${metric}, the mean of each cell`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "corner" }, `${down} ↓  ${across} →`), columns.names.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.names.map((name, n) => h("tr", {}, h("th", { scope: "row" }, name), means[n].map((mean, k) => cell(mean, cells[n][k])))))));
}

/** The values of a parameter in order; of more numbers than fit, ranges that hold as many runs each. */
function bins(values) {
  const known = values.filter((value) => value !== null);
  const numeric = known.every((value) => typeof value === "number");
  const sorted = [...new Set(known)].sort((a, b) => (numeric ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true })));
  if (sorted.length <= MOST || !numeric) {
    const place = new Map(sorted.slice(0, MOST).map((value, n) => [value, n]));
    return { names: [...place.keys()].map((value) => (numeric ? number(value) : String(value))), of: (value) => place.get(value) ?? -1 };
  }
  const every = known.toSorted((a, b) => a - b);
  const starts = [...new Set(Array.from({ length: 10 }, (_, n) => every[Math.floor((n * every.length) / 10)]))];
  return {
    names: starts.map((start, n) => `${number(start)} … ${number(starts[n + 1] ?? every.at(-1))}`),
    of: (value) => (value === null ? -1 : starts.findLastIndex((start) => start <= value)),
  };
}
