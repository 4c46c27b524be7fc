// Runs taken together: a line for each group with mean and spread, which unfolds into its runs.

import * as format from "../format.js";
import { h } from "../dom.js";
import { both } from "../filter.js";
import * as ask from "./questions.js";
import { Rows } from "./rows.js";

const CHOICES = [["", "no groups"], ["seeds", "all but the seed"], ["parent", "parent or study"]];

/** The choice of what runs are grouped by. */
export function choice(view, keys, change) {
  const fields = keys.filter((one) => one.kind !== "metrics" && !/^(mlflow|autotrack)\./.test(one.key)).map((one) => one.field);
  const every = [...CHOICES, ...[...new Set([...fields, view.group].filter((one) => one && !CHOICES.some(([value]) => value === one)))].map((one) => [one, one])];
  const made = h("select", { "aria-label": "Group by", onchange: () => change(made.value) },
    every.map(([value, title]) => h("option", { value, selected: value === view.group }, title)));
  return made;
}

/** The groups of a view, and the runs of those that are unfolded. */
export class Groups {
  constructor(view, fields, columns) {
    this.view = view;
    this.fields = fields;
    this.columns = columns;
    this.open = new Map();
  }

  async load() {
    const numbers = this.columns.filter((one) => one.compared).map((one) => one.name);
    const found = await ask.groups(this.view, [this.view.group], numbers);
    this.by = found.by;
    this.groups = found.groups;
    this.total = found.total;
  }

  /** Unfold a group, or fold it. */
  async turn(group) {
    if (this.open.delete(group.where)) return;
    const rows = new Rows({ ...this.view, where: both(this.view.where, group.where) }, this.fields);
    this.open.set(group.where, rows);
    await rows.more();
  }

  /** What the table shows, a line after the other. */
  lines() {
    return this.groups.flatMap((group) => {
      const rows = this.open.get(group.where);
      if (!rows) return [{ group }];
      const runs = rows.list.map((row) => ({ row, rows, inside: true }));
      return [{ group, unfolded: true }, ...runs, ...(rows.next ? [{ more: rows }] : [])];
    });
  }
}

/** What a group goes by. */
export function title(group, by) {
  if (group.name) return group.name;
  if (!by.length) return "all runs";
  return group.values.map((value, n) => {
    const name = by[n].replace(/^(params|tags)\./, "").replaceAll("`", "");
    if (value === null) return by[n] === "parent" ? "no parent" : `no ${name}`;
    return by[n] === "parent" ? value.slice(0, 8) : `${name} = ${value}`;
  }).join(", ");
}

/** A mean with its spread. */
export function spread(column, [mean, deviation, least, greatest]) {
  if (mean === null || mean === undefined) return { text: "" };
  const look = (value, digits) => (column.name === "duration" ? format.duration(value * 1000) : format.number(digits ? Number(value.toPrecision(digits)) : value));
  const text = deviation === null ? look(mean, 4) : `${look(mean, 4)} ± ${look(deviation, 2)}`;
  return { text, title: `mean ${look(mean)}${deviation === null ? "" : `, standard deviation ${look(deviation)}`}, from ${look(least)} to ${look(greatest)}` };
}
