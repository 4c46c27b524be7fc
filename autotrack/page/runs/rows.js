// The runs that were asked for so far, a page after the other.

import * as ask from "./questions.js";

const [FIRST, FOLLOWING, LARGEST] = [100, 500, 2000];
const MOST_LIVE = 24;
/** What is asked of every run, shown or not. */
export const ALWAYS = ["run_name", "status", "start_time"];
/** What a run that runs does not change. */
const SETTLED = /^(params\.|run_id$|experiment_id$|user_id$|start_time$)/;

/** The runs that fit a view, as many as were asked for, with some fields. */
export class Rows {
  constructor(view, fields) {
    this.view = view;
    this.fields = [...new Set([...ALWAYS, ...fields])];
    this.place = new Map(this.fields.map((name, n) => [name, n]));
    this.list = [];
    this.known = new Map();
    this.next = null;
    this.begun = false;
    this.total = null;
  }

  /** Ask for one page more, of so many runs; those who ask meanwhile wait for the same. */
  more(limit = this.begun ? FOLLOWING : FIRST) {
    this.asking ??= this.page(limit).finally(() => { this.asking = null; });
    return this.asking;
  }

  async page(limit) {
    if (this.begun && !this.next) return;
    const found = await ask.rows(this.view, this.fields, { limit, token: this.next });
    this.begun = true;
    this.next = found.next;
    this.list.push(...found.rows);
    for (const row of found.rows) this.known.set(row.id, row);
    if (!this.next) this.total = this.list.length;
  }

  /** Ask until so many are there, or all. */
  async to(size) {
    while (this.list.length < size && (this.next || !this.begun)) await this.more(Math.max(FOLLOWING, Math.min(LARGEST, size - this.list.length)));
  }

  async count() {
    this.total ??= await ask.count(this.view);
  }

  of(row, name) {
    return row.values[this.place.get(name)];
  }

  /** Whether all the texts of a field spell numbers, as far as they are known. */
  numbers(name) {
    const texts = this.list.map((row) => this.of(row, name)).filter((text) => text !== null);
    return texts.length > 0 && texts.every((text) => text.trim() && Number.isFinite(Number(text)));
  }

  running() {
    return this.list.filter((row) => this.of(row, "status") === "RUNNING");
  }

  /** Ask again for what those do that run, the ones in sight first: what of some fields may have changed. */
  async again(inSight, fields) {
    const running = this.running();
    const ordered = [...running.filter((row) => inSight.has(row.id)), ...running.filter((row) => !inSight.has(row.id))];
    if (!ordered.length) return;
    const names = [...new Set([...ALWAYS, ...fields.filter((name) => !SETTLED.test(name))])];
    const found = await ask.rowsOf(this.view, names, ordered.slice(0, MOST_LIVE).map((row) => row.id));
    for (const { id, values } of found) names.forEach((name, n) => { this.known.get(id).values[this.place.get(name)] = values[n]; });
  }

  /** How many runs fit that did not when the table was made. */
  async news() {
    if (this.total === null) return 0;
    return Math.max(0, (await ask.count(this.view)) - this.total);
  }
}
