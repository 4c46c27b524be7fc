// The cells of a line of the table, which is a run, a group of runs, or what leads to more of them: the first two, and
// how those of its columns are made.

import { h, link } from "../dom.js";
import * as format from "../format.js";
import { difference, shown, told } from "./columns.js";
import { spread, title } from "./groups.js";

/** The cells of a run. `context` is what the page knows: columns, names of experiments, who is chosen, the baseline. */
export function run({ row, rows, inside }, n, context) {
  const { names, chosen, base } = context;
  const value = (name) => rows.of(row, name);
  const name = value("run_name") || row.id.slice(0, 8);
  const tick = h("input", { type: "checkbox", "aria-label": `Choose ${name}`, onclick: (event) => context.choose(n, tick.checked, event.shiftKey) });
  tick.checked = chosen.has(row.id);
  const cell = (column) => {
    const own = value(column.name);
    if (column.name === "status") return h("td", {}, badge(own));
    const running = column.name === "duration" && own === null && value("status") === "RUNNING";
    const text = running ? format.duration(Date.now() - value("start_time")) : shown(column, own, names);
    const from = base && row.id !== base.id ? difference(column, own, base.value(column.name)) : null;
    const inner = column.name === "parent" && own ? link({ run: own }, own.slice(0, 8)) : text;
    return h("td", { class: column.numeric ? "number" : null, title: told(column, own) }, inner, from);
  };
  const marked = base?.id === row.id ? h("span", { class: "mark", title: "The baseline" }, "baseline") : null;
  const below = inside ? 0 : context.below?.counts.get(row.id);
  const unfolded = context.below?.open.has(row.id);
  const fold = below
    ? h("button", { type: "button", class: "unfold fold", "aria-expanded": String(unfolded), "aria-label": `${below} runs below ${name}`, onclick: () => context.turnBelow(row.id) }, `${unfolded ? "▾" : "▸"} ${below}`)
    : null;
  const named = h("td", { class: inside ? "inside" : null, title: name }, fold, link({ run: row.id }, name), " ", marked ?? h("span", { class: "dim" }, row.id.slice(0, 6)));
  return { first: [h("td", {}, tick), named], cell };
}

const badge = (status) => h("span", { class: `status ${status}` }, String(status ?? "").toLowerCase());

/** The cells of a group: what it goes by, how many runs it has, and means with spreads. */
export function group({ group: one, unfolded }, context) {
  const button = h("button", { type: "button", class: "unfold", "aria-expanded": String(Boolean(unfolded)), onclick: () => context.turn(one) },
    h("span", { "aria-hidden": "true" }, unfolded ? "▾ " : "▸ "), title(one, context.by));
  const cell = (column) => {
    if (column.name === "status") return h("td", { class: "dim" }, `${one.runs} run${one.runs === 1 ? "" : "s"}`);
    const told_ = one.columns[column.name] ? spread(column, one.columns[column.name]) : { text: "" };
    return h("td", { class: column.numeric ? "number" : null, title: told_.title }, told_.text);
  };
  const parent = context.by[0] === "parent" && one.values[0] ? [" ", link({ run: one.values[0] }, "open")] : null;
  return { first: [h("td", {}), h("td", { title: one.where }, button, parent ?? "")], cell };
}

/** The cell of a line that leads to more runs of a group. */
export const more = ({ more: rows }, context) => ({
  first: [h("td", {}), h("td", { class: "inside" }, h("button", { type: "button", class: "unfold", onclick: () => context.more(rows) }, "more of them"))],
  cell: () => h("td"),
});
