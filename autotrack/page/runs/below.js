// Runs below others, as the candidates of a search: they are seen below the run that they belong to.

import { among, text } from "../filter.js";
import * as ask from "./questions.js";
import { Rows } from "./rows.js";

/** The filter of those that are below no other. */
export const TOP = "parent IS NULL";

/** How many runs are below which, and those of the ones that are unfolded. */
export class Below {
  constructor(view, fields) {
    Object.assign(this, { view, fields, total: 0, counts: new Map(), open: new Map() });
  }

  async count() {
    this.total = await ask.count({ ...this.view, where: "parent IS NOT NULL" });
  }

  /** Ask how many are below some runs, where any are below any. */
  async learn(rows) {
    if (!this.total || !rows.length) return;
    const where = among("parent", rows.map((row) => row.id));
    const found = await ask.groups({ ...this.view, where, sort: "" }, ["parent"], []);
    for (const { values, runs } of found.groups) this.counts.set(values[0], runs);
  }

  /** Unfold a run, or fold it. */
  async turn(id) {
    if (this.open.delete(id)) return;
    const rows = new Rows({ ...this.view, where: `parent = ${text(id)}` }, this.fields);
    this.open.set(id, rows);
    await rows.more();
  }

  /** The lines of some runs, each before those below it. */
  lines(list) {
    if (!this.open.size) return list;
    return list.flatMap((row) => {
      const rows = this.open.get(row.id);
      return rows ? [row, ...rows.list.map((one) => ({ row: one, rows, inside: true })), ...(rows.next ? [{ more: rows }] : [])] : [row];
    });
  }
}
