// A table of any length and width: only the cells in sight are in the document.

import { h } from "../dom.js";
import { addressOf, remember, remembered } from "./view.js";

export const LINE = 30;
const [AROUND, BESIDE, BOX, LEAST, STEP] = [8, 300, 34, 48, 16];
const widths = remembered("widths");

/** A column's width before somebody changes it; a mean with its spread and a difference need more. */
function usual(column, { group: grouped, baseline }) {
  if (column.name === "run_name") return Math.min(grouped ? 320 : 240, Math.round(innerWidth * 0.42));
  return Math.max(column.numeric ? 104 : 92, column.compared && (grouped || baseline) ? 156 : 0, Math.min(180, 34 + column.title.length * 8));
}

/**
 * Lines in columns, of which each may have an `order`, what it is sorted by if not its field. `view` says how lines are
 * sorted and which columns stay in place; `draw(line, index)` gives the `first`
 * two cells of a line and how to make the `cell(column)` of any other, `key(line)` names it; `need(index)` is called when one comes into sight that is not there, `move(from, to)` and
 * `pin(column)` when somebody orders the columns.
 */
export class Table {
  constructor({ columns, view, draw, key, need, move, pin, corner }) {
    Object.assign(this, { columns, view, draw, key, need, move, pin });
    this.lines = [];
    this.size = 0;
    this.active = -1;
    this.shown = new Map();
    this.span = [0, 0];
    this.cols = [h("col"), ...columns.map(() => h("col"))];
    this.above = h("tr", { class: "space", "aria-hidden": "true" }, h("td", { colspan: columns.length + 1 }));
    this.below = h("tr", { class: "space", "aria-hidden": "true" }, h("td", { colspan: columns.length + 1 }));
    this.body = h("tbody", {}, this.above, this.below);
    this.heads = columns.map((column, n) => this.head(column, n));
    const head = h("tr", { "aria-rowindex": 1 }, h("td", { class: "pinned" }, corner), this.heads);
    this.table = h("table", { class: "runs", "aria-label": "Runs", "aria-colcount": columns.length + 1 }, h("colgroup", {}, this.cols), h("thead", {}, head), this.body);
    this.element = h("div", { class: "wide frame", "aria-live": "off", onscroll: () => this.soon() }, this.table);
    this.resized = new ResizeObserver(() => this.soon());
    this.resized.observe(this.element);
    this.body.addEventListener("focusin", (event) => { this.active = Number(event.target.closest("tr")?.getAttribute("aria-rowindex") ?? 1) - 2; });
    this.measure();
  }

  head(column, n) {
    const [, by, way] = /^(.*) (DESC|ASC)$/s.exec(this.view.sort) ?? [];
    const [down, up] = ["DESC", "ASC"].map((one) => way === one && (by === column.name || by === column.order));
    const mark = down ? " ↓" : up ? " ↑" : "";
    const href = addressOf({ ...this.view, sort: `${column.order ?? column.name} ${down ? "ASC" : "DESC"}` });
    const sorts = !column.name.startsWith("dataset.") && column.name !== "data_digest";
    const title = sorts ? h("a", { href, draggable: "false" }, column.title, mark) : h("span", { tabindex: "0" }, column.title);
    const grip = h("span", { class: "grip", "aria-hidden": "true", onpointerdown: (event) => this.grip(event, column, grip) });
    return h("th", {
      scope: "col", title: `${column.name}\nAlt + ← →: move, with Shift: width, P: keep in place`, draggable: n ? "true" : null, class: column.numeric ? "number" : null,
      "aria-sort": down ? "descending" : up ? "ascending" : null,
      onkeydown: (event) => this.typed(event, column, n),
      ondragstart: (event) => event.dataTransfer.setData("text/x-column", String(n)),
      ondragover: (event) => n && event.dataTransfer.types.includes("text/x-column") && event.preventDefault(),
      ondrop: (event) => { event.preventDefault(); this.move(Number(event.dataTransfer.getData("text/x-column")), n); },
    }, title, grip);
  }

  typed(event, column, n) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
    if (way && event.altKey && event.shiftKey) this.widen(column, this.width(column) + way * STEP);
    else if (way && event.altKey && n) this.move(n, n + way);
    else if (event.key === "p" && n) this.pin(column);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  grip(event, column, grip) {
    event.preventDefault();
    const [from, start, head] = [event.clientX, this.width(column), grip.parentElement];
    const { draggable } = head;
    head.draggable = false; // a drag of the edge is none of the column
    grip.setPointerCapture(event.pointerId);
    grip.onpointermove = (moved) => this.widen(column, start + moved.clientX - from);
    grip.onlostpointercapture = () => { grip.onpointermove = null; head.draggable = draggable; };
  }

  width(column) {
    return widths.get(column.name) ?? usual(column, this.view);
  }

  widen(column, wanted) {
    widths.set(column.name, Math.max(LEAST, Math.round(wanted)));
    remember("widths", widths);
    this.measure();
  }

  /** Give the columns their widths, and those that stay in place their places. */
  measure() {
    const sizes = [BOX, ...this.columns.map((one) => this.width(one))];
    sizes.forEach((size, n) => { this.cols[n].style.width = `${size}px`; });
    this.table.style.width = `${sizes.reduce((sum, one) => sum + one, 0)}px`;
    this.edges = [0];
    for (const size of sizes) this.edges.push(this.edges.at(-1) + size);
    this.fixed = 1 + this.columns.filter((one) => one.name === "run_name" || this.view.pinned.includes(one.name)).length;
    for (const row of [this.table.tHead.rows[0], ...this.shown.values()]) this.fix(row);
    this.soon();
  }

  fix(row) {
    for (let n = 0; n < this.fixed; n++) {
      row.cells[n].classList.add("pinned");
      row.cells[n].style.left = `${this.edges[n]}px`;
    }
  }

  /** Show these lines, the first of so many. */
  set(lines, size) {
    this.lines = lines;
    this.size = Math.max(lines.length, size ?? 0);
    this.table.setAttribute("aria-rowcount", this.size + 1);
    for (const row of this.shown.values()) row.remove();
    this.shown.clear();
    this.render();
  }

  /** Show that there are more of them, moving nothing. */
  grown(lines, size) {
    this.lines = lines;
    this.size = Math.max(lines.length, size ?? 0);
    this.table.setAttribute("aria-rowcount", this.size + 1);
    this.render();
  }

  soon() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.render(); });
  }

  render() {
    const [top, high] = [this.element.scrollTop, this.element.clientHeight || 600];
    const from = Math.max(0, Math.min(this.lines.length, Math.floor(top / LINE) - AROUND));
    this.spread();
    const wanted = Math.min(this.size, Math.ceil((top + high) / LINE) + AROUND);
    const to = Math.min(this.lines.length, wanted);
    for (const [n, row] of this.shown) {
      if (n >= from && n < to) continue;
      row.remove();
      this.shown.delete(n);
    }
    let after = this.below;
    for (let n = to - 1; n >= from; n--) {
      if (!this.shown.has(n)) this.body.insertBefore(this.row(n), after);
      after = this.shown.get(n);
    }
    this.above.firstChild.style.height = `${from * LINE}px`;
    this.below.firstChild.style.height = `${(this.size - to) * LINE}px`;
    if (wanted > this.lines.length) this.need(wanted);
  }

  /** Which columns are in sight, or nearly. */
  spread() {
    const [left, wide] = [this.element.scrollLeft, this.element.clientWidth || 1200];
    const from = this.edges.findIndex((edge) => edge > left - BESIDE) - 1;
    const to = this.edges.findIndex((edge) => edge > left + wide + BESIDE);
    const span = [Math.max(0, from), to < 0 ? this.edges.length : to];
    if (String(span) === String(this.span)) return;
    this.span = span;
    for (const [n, row] of this.shown) this.put(row, this.draw(this.lines[n], n).cell);
  }

  row(n) {
    const { first, cell } = this.draw(this.lines[n], n);
    const made = h("tr", { "aria-rowindex": n + 2 }, first, this.others(cell));
    this.fix(made);
    this.shown.set(n, made);
    return made;
  }

  /** The cells after the first two: those in sight, and what holds the place of the others. */
  others(cell) {
    const made = [];
    let gap = 0;
    const close = () => { if (gap) made.push(h("td", { colspan: gap })); gap = 0; };
    for (let n = 2; n <= this.columns.length; n++) {
      if (n >= this.fixed && (n < this.span[0] || n >= this.span[1])) gap++;
      else {
        close();
        const one = cell(this.columns[n - 1]);
        one.setAttribute("aria-colindex", n + 1);
        made.push(one);
      }
    }
    close();
    return made;
  }

  /** Draw those lines in sight anew that have one of these names, or all; what is focused there stays so. */
  redraw(names) {
    for (const [n, row] of this.shown) {
      if (names && !names.has(this.key(this.lines[n]))) continue;
      const { first, cell } = this.draw(this.lines[n], n);
      const kept = first.map((made, place) => (row.cells[place].contains(document.activeElement) ? row.cells[place] : made));
      kept.forEach((made, place) => made !== row.cells[place] && row.cells[place].replaceWith(made));
      this.put(row, cell);
    }
  }

  /** Give a line its cells after the first two. */
  put(row, cell) {
    while (row.cells.length > 2) row.lastChild.remove();
    row.append(...this.others(cell));
    this.fix(row);
  }

  /** The names of the lines that are in sight. */
  inSight() {
    return new Set([...this.shown.keys()].map((n) => this.key(this.lines[n])));
  }

  /** The fields whose columns are. */
  fieldsInSight() {
    return this.columns.filter((_, n) => n + 1 < this.fixed || (n + 1 >= this.span[0] && n + 1 < this.span[1])).map((one) => one.name);
  }

  /** Go so many lines on from where the keyboard is, and be there. */
  step(by) {
    const n = Math.max(0, Math.min(this.lines.length - 1, this.active < 0 ? 0 : this.active + by));
    if (!this.lines.length) return;
    const head = this.table.tHead.offsetHeight;
    const [top, high] = [this.element.scrollTop, this.element.clientHeight];
    if (n * LINE < top) this.element.scrollTop = n * LINE;
    else if ((n + 1) * LINE + head > top + high) this.element.scrollTop = (n + 1) * LINE + head - high;
    this.render();
    this.active = n;
    this.shown.get(n)?.querySelector("a, button")?.focus({ preventScroll: true });
  }

  leave() {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
  }
}
