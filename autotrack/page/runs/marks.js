// Which runs are chosen.

import * as ask from "./questions.js";

const MOST_AT_ONCE = 50_000;

/** The ids of the chosen runs of a page, which knows its table, its lines, its actions and what it asks for. */
export class Marks {
  chosen = new Set();

  constructor(page) {
    this.page = page;
  }

  /** Choose a line or not; `through` all from the one before to it. */
  set(n, on, through) {
    const { page } = this;
    const [from, to] = through && this.before !== undefined ? [Math.min(n, this.before), Math.max(n, this.before)] : [n, n];
    for (const line of page.lines().slice(from, to + 1)) {
      const id = page.table.key(line);
      if (id) this.chosen[on ? "add" : "delete"](id);
    }
    this.before = n;
    if (from !== to) page.table.redraw();
    page.actions.tell();
  }

  turn(n) {
    const line = this.page.lines()[n];
    const id = line && this.page.table.key(line);
    if (!id) return;
    this.set(n, !this.chosen.has(id), false);
    this.page.table.redraw(new Set([id]));
  }

  /** Choose all that fit, also those that have not come yet. */
  async all(on) {
    this.chosen.clear();
    let token;
    while (on) {
      const found = await ask.rows(this.page.asking, [], { limit: MOST_AT_ONCE, token });
      for (const row of found.rows) this.chosen.add(row.id);
      token = found.next;
      if (!token) break;
    }
    this.page.table.redraw();
    this.page.actions.tell();
  }

  none() {
    this.chosen.clear();
    this.page.table?.redraw();
    this.page.actions?.close();
    this.page.actions?.tell();
  }
}
