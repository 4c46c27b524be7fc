// The table of runs: searched, sorted, grouped and paged by the server; what one sees is in the address.

import { experiments } from "../api.js";
import { h } from "../dom.js";
import { Actions } from "./actions.js";
import { Below, TOP } from "./below.js";
import { choose } from "./chooser.js";
import { OWN, columnOf, columnsIn, telling } from "./columns.js";
import { Filter } from "./filter.js";
import { Groups } from "./groups.js";
import { help, listen } from "./keyboard.js";
import * as lines from "./lines.js";
import { Marks } from "./marks.js";
import * as ask from "./questions.js";
import { ALWAYS, Rows } from "./rows.js";
import { Table } from "./table.js";
import { empty, nothing, question, tools, wrong } from "./toolbar.js";
import { addressOf, turnTo, viewOf } from "./view.js";

/** The tag of an experiment that says which columns its table of runs has. */
const COLUMNS = "autotrack.columns";
const NEWEST = 100;
const FEW_GROUPS = 30;

export async function page(query) {
  const shown = new Runs(viewOf(query));
  await shown.begin();
  shown.stop = listen(shown);
  return shown;
}

/** The page, as app.js wants it. */
class Runs {
  title = "runs";
  trail = ["runs"];
  marks = new Marks(this);
  writable = true;
  asked = 0;

  constructor(view) {
    this.view = view;
    this.filter = new Filter(() => this.known(), (where) => turnTo({ ...this.view, where }));
    this.bar = h("div", {});
    this.place = h("div", {});
    [this.count, this.said] = [1, 2].map(() => h("span", { class: "dim", role: "status" }));
    this.deep = h("a", { hidden: true });
    this.news = h("button", { type: "button", class: "news", hidden: true, onclick: () => this.ask() });
    this.element = h("div", { class: "page-of-runs" }, this.bar, this.place);
    this.content = [this.element];
  }

  leave() {
    this.stop();
    this.table?.leave();
  }

  get chosen() {
    return this.marks.chosen;
  }

  get live() {
    return this.unfolded.some((rows) => rows.running().length) || Boolean(this.groups?.groups.some((one) => one.running));
  }

  /** All runs that were asked for, also those that are unfolded. */
  get unfolded() {
    return [this.rows, ...((this.groups ?? this.below)?.open.values() ?? [])].filter(Boolean);
  }

  /** What is asked for: of a search its candidates only where somebody wants them as rows. */
  get asking() {
    return this.rows?.view ?? this.view;
  }

  get total() {
    return this.rows?.total ?? null;
  }

  async begin() {
    ask.writable().then((may) => { this.writable = may; this.actions?.tell(); }, () => {});
    const found = experiments().then((some) => {
      this.experiments = new Map(some.map((one) => [one.experiment_id, one.name]));
      this.wished = new Map(some.map((one) => [one.experiment_id, one.tags?.find(({ key }) => key === COLUMNS)?.value ?? ""]));
    });
    await Promise.all([found, this.learn()]);
    await this.ask();
  }

  /** Show another view in place. */
  async turn(query) {
    const [before, after] = [this.view, viewOf(query)];
    const other = ["where", "group", "deleted", "flat"].some((name) => before[name] !== after[name]) || String(before.experiments) !== String(after.experiments);
    if (other) this.chosen.clear();
    if (other) this.said.replaceChildren();
    this.view = after;
    if (String(before.experiments) !== String(after.experiments)) await this.learn();
    await this.ask();
  }

  /** Which keys the newest runs have; all of them are asked for when somebody looks for one. */
  async learn() {
    this.keys = await ask.keys(this.view.experiments, NEWEST, TOP);
    this.better = new Map(this.keys.keys.filter((one) => one.better).map((one) => [one.key, one.better]));
    this.everything = null;
  }

  async known() {
    const { experiments: ids } = this.view;
    this.everything ??= ask.keys(ids);
    const { keys, grammar } = await this.everything;
    return { keys, grammar, values: (field) => ask.values(ids, field) };
  }

  /** Ask for what the view shows, and show it. */
  async ask() {
    const mine = ++this.asked;
    const { view } = this;
    const names = view.columns ?? this.usual();
    const order = [...view.pinned.filter((name) => names.includes(name)), ...names.filter((name) => !view.pinned.includes(name))];
    this.fields = ["run_name", ...order];
    this.columns = this.fields.map((name) => columnOf(name, this.better));
    let [found, error] = [{}, ""];
    try {
      [found, this.base] = await Promise.all([this.found(), this.baseline()]);
    } catch (failure) {
      error = failure.message;
    }
    if (mine !== this.asked) return;
    const { rows = null, groups = null, below = null } = found;
    Object.assign(this, { rows, groups, below });
    for (const column of this.columns) if (column.kind === "params" && this.rows?.numbers(column.name)) column.order = `number(${column.name})`;
    this.draw(error);
    if (error) return;
    rows?.count().then(() => mine === this.asked && this.grown(), () => {});
    below?.count().then(() => this.nest(rows.list), () => {});
  }

  /** The groups, or the first of the runs: what nobody looked for is seen below the run that it belongs to. */
  async found() {
    const { view, fields } = this;
    if (view.group) {
      const groups = new Groups(view, fields, this.columns);
      await groups.load();
      return { groups };
    }
    const below = view.where || view.deleted ? null : new Below(view, fields);
    if (below && !view.flat) {
      const rows = new Rows({ ...view, where: TOP }, fields);
      await rows.more();
      if (rows.list.length) return { rows, below };
    }
    const rows = new Rows(view, fields);
    await rows.more();
    return { rows, below: view.flat ? below : null };
  }

  /** The columns that are shown where the address says none: those that the experiment wishes for, or the most telling. */
  usual() {
    const [only, ...others] = this.view.experiments;
    const wished = others.length ? "" : this.wished.get(only);
    return wished ? [...new Set([...OWN, ...columnsIn(wished)])] : telling(this.keys.keys, !only && this.experiments.size > 2);
  }

  async baseline() {
    const id = this.view.baseline;
    if (!id) return null;
    const fields = [...new Set([...ALWAYS, ...this.fields])];
    const [row] = await ask.rowsOf({ ...this.view, deleted: false }, fields, [id]);
    return row ? { id, name: row.values[0] || id.slice(0, 8), value: (name) => row.values[fields.indexOf(name)] } : null;
  }

  /** Learn which of some runs have others below them, and say so. */
  async nest(list) {
    const { below, table } = this;
    await below.learn(this.view.flat ? [] : list);
    if (below !== this.below || !this.rows) return;
    table?.redraw();
    this.tell();
  }

  draw(error) {
    const { view } = this;
    const size = this.rows?.list.length ?? this.groups?.groups.length ?? 0;
    this.news.hidden = true;
    if (!error && !size && !view.where && !view.experiments.length && !view.deleted) {
      this.bar.replaceChildren();
      return this.place.replaceChildren(empty());
    }
    const focused = document.activeElement?.closest?.("th")?.cellIndex;
    this.actions = new Actions(this);
    const below = tools(this, { keys: () => help(), choose: () => this.choose() });
    if (this.bar.contains(this.filter.element)) this.bar.lastChild.replaceWith(below); // whoever writes there goes on
    else this.bar.replaceChildren(h("h1", { class: "unseen" }, "Runs"), question(this), this.filter.said, below);
    this.marked(view);
    const [sideways, far] = [this.table?.element.scrollLeft ?? 0, this.table];
    far?.leave();
    this.table = null;
    if (error) {
      this.count.textContent = "";
      const ours = error.startsWith("invalid filter");
      if (ours) this.filter.wrong(error);
      return this.place.replaceChildren(ours ? "" : wrong(view, error));
    }
    this.tell();
    if (!size) return this.place.replaceChildren(nothing(view));
    this.table = this.made();
    this.place.replaceChildren(this.table.element);
    this.again();
    this.table.element.scrollLeft = sideways;
    if (focused > 0) this.table.heads[Math.min(focused, this.table.heads.length) - 1].querySelector("a, span")?.focus();
  }

  /** The choice of experiments and the filter say what the address does. */
  marked(view) {
    const choice = this.bar.querySelector("select[name=e]");
    if (choice) choice.value = view.experiments[0] ?? "";
    if (this.filter.field.value.trim() !== view.where) this.filter.set(view.where);
    else this.filter.right();
  }

  made() {
    const all = h("input", { type: "checkbox", "aria-label": "Choose all that fit", onclick: () => this.marks.all(all.checked) });
    const page = this;
    const context = {
      names: this.experiments, chosen: this.chosen, base: this.base, by: this.groups?.by, below: this.view.flat ? null : this.below,
      choose: (n, on, through) => this.marks.set(n, on, through),
      turn: (group) => this.groups.turn(group).then(() => this.again()),
      turnBelow: (id) => this.below.turn(id).then(() => this.again()),
      more: (rows) => rows.more().then(() => this.again()),
    };
    return new Table({
      columns: this.columns, view: this.view, corner: this.groups ? null : all,
      key: (line) => line.id ?? line.row?.id ?? "",
      draw: (line, n) => (line.group ? lines.group(line, context) : line.more ? lines.more(line, context) : lines.run(line.row ? line : { row: line, rows: this.rows }, n, context)),
      need(index) { page.need(index); },
      move: (from, to) => this.move(from, to),
      pin: ({ name }) => this.pin(name),
    });
  }

  lines() {
    return this.groups ? this.groups.lines() : this.below ? this.below.lines(this.rows.list) : this.rows.list;
  }

  /** How many lines there are, also of those that have not come yet. */
  size(lines) {
    return lines.length + (this.rows?.total ? this.rows.total - this.rows.list.length : 0);
  }

  /** Show the lines anew. */
  again() {
    const [lines, at] = [this.lines(), this.table.active];
    const focused = this.table.body.contains(document.activeElement) && document.activeElement.localName;
    this.table.set(lines, this.size(lines));
    if (focused) this.table.shown.get(at)?.querySelector(focused)?.focus({ preventScroll: true });
  }

  need(index) {
    const { rows, table } = this;
    if (!rows?.next || rows.asking) return;
    const before = rows.list.length;
    rows.to(index - (this.lines().length - before)).then(() => {
      if (table !== this.table) return;
      this.grown();
      this.below?.learn(rows.list.slice(before)).then(() => table.redraw(), () => {});
    }, (error) => { this.count.textContent = error.message; });
  }

  grown() {
    const lines = this.lines();
    this.table?.grown(lines, this.size(lines));
    this.tell();
  }

  tell() {
    const { rows, groups } = this;
    const count = (n) => n.toLocaleString("en");
    this.count.textContent = rows
      ? rows.total === null ? `${rows.list.length} and more runs` : `${count(rows.total)} run${rows.total === 1 ? "" : "s"}`
      : `${count(groups.total)} group${groups.total === 1 ? "" : "s"}${groups.total > groups.groups.length ? `, the first ${groups.groups.length} of them here` : ""}`;
    this.deep.hidden = !this.below?.total;
    if (this.below?.total) {
      this.deep.href = addressOf({ ...this.view, flat: !this.view.flat });
      this.deep.textContent = this.view.flat ? "each below its own" : `and ${count(this.below.total)} below them`;
    }
    this.actions.tell();
  }

  /** New values come into their cells; of new runs a line says how many there are. */
  async refresh() {
    const { rows, table, groups } = this;
    if (!table) return;
    const running = new Set(this.unfolded.flatMap((some) => some.running().map((row) => row.id)));
    for (const some of this.unfolded) await some.again(table.inSight(), table.fieldsInSight());
    if (groups && groups.groups.length <= FEW_GROUPS) await groups.load();
    const fresh = rows ? await rows.news() : 0;
    if (table !== this.table) return;
    if (groups) this.again();
    else table.redraw(running); // also of those that have ended now
    this.news.hidden = !fresh;
    this.news.textContent = `${fresh} new run${fresh === 1 ? "" : "s"}`;
  }

  /** The table is asked for anew, after a change of its runs. */
  changed() {
    this.chosen.clear();
    return this.ask();
  }

  /** The run where the keyboard is. */
  here() {
    const line = this.lines()[this.table?.active ?? -1];
    return line && this.table.key(line);
  }

  /** Compare with the run where the keyboard is, or no longer. */
  compareWith() {
    const id = this.here();
    if (id) turnTo({ ...this.view, baseline: this.view.baseline === id ? "" : id });
  }

  choose() {
    this.known().then(({ keys, grammar }) =>
      choose(this.fields.slice(1), this.view.pinned, keys, ["last", ...grammar.readings.filter((one) => one !== "last")],
        (columns, pinned) => turnTo({ ...this.view, columns, pinned })));
  }

  move(from, to) {
    const columns = this.fields.slice(1);
    if (to < 1 || to > columns.length || from < 1) return;
    columns.splice(to - 1, 0, ...columns.splice(from - 1, 1));
    turnTo({ ...this.view, columns, pinned: columns.filter((name) => this.view.pinned.includes(name)) });
  }

  pin(name) {
    const { pinned } = this.view;
    turnTo({ ...this.view, pinned: pinned.includes(name) ? pinned.filter((one) => one !== name) : [...pinned, name] });
  }
}
