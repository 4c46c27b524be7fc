// Curves of one or several runs, with exact extremes at every zoom: the server answers for what is in sight.

import { h } from "../dom.js";
import { axesOf, stretched } from "./axes.js";
import { ask, chained, fineness, grow, total } from "./buckets.js";
import { columns, marks, positive } from "./columns.js";
import { at, dot, plot, told } from "./plot.js";
import { saved } from "./saving.js";
import { View } from "./view.js";

export { families, grouped } from "./groups.js";
export { colour } from "./plot.js";
export { switches, View } from "./view.js";

/**
 * A chart of several curves: `curves` are `{ run, key, label }`, for the axis of the time elapsed with the `start` of the
 * run in ms, for that of epochs with `epochs` (see `axesOf`). It asks for its points once it comes
 * into sight, all curves in one question, and again for each zoom. Its `refresh(points)` continues what is drawn, where
 * `points` maps a curve to how many points it has by now; `end()` lets go of it before its view does. `name` is what the
 * address calls it, `axis` an axis of its own.
 */
export function chart(title, curves, view = new View(), { name = title, axis = null } = {}) {
  return new Chart(title, curves, view instanceof View ? view : Object.assign(new View(), view), name, axis).figure;
}

class Chart {
  constructor(title, curves, view, name, own) {
    Object.assign(this, { title, curves, view, name, own, known: null, zoom: null, asked: 0 });
    this.place = h("div", {
      class: "plot", role: "img", tabindex: 0, onkeydown: (event) => this.key(event), ondblclick: () => view.zoomTo(this, null),
      "aria-label": `${title}: ${curves.map((one) => one.label).join(", ")}. Plus and minus zoom, arrows move, 0 shows all.`,
    });
    this.under = h("span", { class: "dim" });
    this.legend = h("div", { class: "legend" });
    this.said = h("p", { class: "dim", hidden: true });
    this.all = h("button", { type: "button", hidden: true, onclick: () => view.zoomTo(this, null) }, "all");
    this.figure = h("figure", {}, h("figcaption", {}, title),
      h("div", { class: "tools" }, this.all, saved(this)), this.place, this.legend, this.said);
    this.figure.refresh = (points) => this.refresh(points);
    this.figure.end = () => this.end();
    this.items = curves.map((one, n) => this.item(one, n));
    this.legend.append(...this.items.map((one) => one.element), this.under);
    this.seen = new IntersectionObserver((entries) => {
      if (!entries.some((one) => one.isIntersecting)) return;
      this.seen.disconnect();
      view.charts.add(this);
      this.show();
    }, { rootMargin: "200px" });
    this.seen.observe(this.figure);
    this.sized = new ResizeObserver(() => this.plot?.setSize({ width: Math.max(80, this.place.clientWidth), height: this.plot.height }));
  }

  item({ label }, n) {
    const value = h("b", {});
    const element = h("button", { type: "button", "aria-pressed": String(!this.view.off.has(label)), onclick: () => this.view.turn(label) }, dot(n), ` ${label} `, value);
    return { element, value };
  }

  get axis() {
    return this.own ?? this.view.axis;
  }

  /** Ask for all that is in sight, and draw it. */
  async show() {
    const mine = this.begin();
    const { view, curves } = this;
    try {
      if (!globalThis.uPlot) throw new Error("uPlot is not installed where the server runs: pip install 'autotrack-ml[page]'");
      const axes = await axesOf(this.axis, curves);
      const points = fineness(this.place.clientWidth, curves.length);
      const zoom = view.zoom(this);
      const parts = curves.map(({ run, key }, n) => {
        const range = zoom ? { start: axes[n].at(zoom[0]), end: axes[n].at(zoom[1]) } : {};
        return { run, key, ...range };
      });
      const { asked } = axes[0];
      let known = await ask(asked, points, parts);
      if (view.logx && this.axis !== "time") known = await this.stretched(known, axes, points);
      if (mine !== this.asked) return; // something else is looked at by now
      Object.assign(this, { known, axes, zoom, points });
      this.figure.hidden = !zoom && known.every((one) => total(one) < 2); // a value, no curve
      this.redraw();
    } catch (error) {
      if (mine === this.asked) this.say(error.message);
    } finally {
      this.finish(mine);
    }
  }

  /** Ask for something: what was asked before is no longer waited for. */
  begin() {
    this.place.setAttribute("aria-busy", "true");
    return ++this.asked;
  }

  finish(mine) {
    if (mine === this.asked) this.place.setAttribute("aria-busy", "false");
  }

  /** The same in parts that grow, as a logarithm shows the beginning of an axis as wide as its end. */
  async stretched(known, axes, points) {
    const parts = known.map((one, n) => {
      if (!one.at.length) return [];
      const { run, key } = this.curves[n];
      return stretched(one.at[0], one.at.at(-1) + one.width, axes[n].at(0)).map((part) => ({ run, key, ...part }));
    });
    const found = await ask(axes[0].asked, Math.max(20, Math.floor(points / 4)), parts.flat());
    return parts.map((some, n) => (some.length ? chained(found.splice(0, some.length)) : known[n]));
  }

  /** Draw what is known anew, as it is looked at by now. */
  redraw() {
    if (!this.known || this.figure.hidden) return;
    const { curves, view, zoom } = this;
    this.plot?.destroy();
    this.columns();
    const drawn = { curves, view, axis: this.axis, zoom, positive: positive(this.known), marks: this.marks };
    this.drawn = drawn;
    this.plot = plot(this.place, this.data, drawn, {
      zoomed: (from, to) => view.zoomTo(this, this.axis === "step" ? [Math.floor(from), Math.ceil(to)] : [from, to]),
      pointed: (row) => this.tell(row),
    });
    this.sized.observe(this.place);
    this.all.hidden = !zoom;
    this.items.forEach(({ element }, n) => element.setAttribute("aria-pressed", String(!view.off.has(curves[n].label))));
    this.tell(null);
  }

  columns() {
    const xs = this.axes.map((one) => one.x);
    this.data = columns(this.known, xs, this.view.smooth);
    this.marks = marks(this.known, xs);
    const sum = (name) => this.marks.reduce((count, one) => count + one[name], 0);
    const odd = [sum("nan") ? `✕ NaN: ${sum("nan")}` : "", sum("inf") ? `▲ infinite: ${sum("inf")}` : ""].filter(Boolean);
    this.say(odd.join(", "));
  }

  /** Continue the curves that have grown: by their ends alone, where all of them is drawn. */
  async refresh(points) {
    if (!this.known) return undefined;
    const rows = this.curves.map((_, n) => n);
    const behind = (n) => total(this.known[n]) < points(this.curves[n]);
    const grown = rows.filter(behind);
    if (!grown.length) return undefined;
    if (this.zoom || this.view.logx || !this.plot || grown.some((n) => this.known[n].at.length < 2)) return this.show();
    const mine = this.begin();
    try {
      const parts = grown.map((n) => ({ run: this.curves[n].run, key: this.curves[n].key, start: this.known[n].at.at(-1) }));
      const tails = await ask(this.axes[0].asked, this.points, parts);
      if (mine !== this.asked) return undefined;
      grown.forEach((n, m) => grow(this.known[n], tails[m], this.points));
      if (grown.some(behind)) return await this.show(); // a point was written before the end
      this.columns();
      this.drawn.marks = this.marks;
      this.plot.setData(this.data);
      this.tell(this.plot.cursor.idx ?? null);
      return undefined;
    } finally {
      this.finish(mine);
    }
  }

  /** The values under the pointer, or the last ones. */
  tell(row) {
    this.items.forEach(({ value }, n) => {
      const known = this.known[n];
      const there = row === null ? last(this.data, n, this.view.smooth) : at(this.data, n, row, this.view.smooth, true);
      value.textContent = there ?? (row === null && known.at.length ? "NaN" : "");
    });
    this.under.textContent = row === null ? "" : told(this.axis, this.data[0][row]);
  }

  say(text) {
    this.said.textContent = text;
    this.said.hidden = !text;
  }

  key(event) {
    const [low, high] = this.zoom ?? [this.data?.[0][0], this.data?.[0].at(-1)];
    const [width, middle] = [high - low, (low + high) / 2];
    const part = {
      "+": [middle - width / 4, middle + width / 4], "=": [middle - width / 4, middle + width / 4],
      "-": [middle - width, middle + width], ArrowLeft: [low - width / 4, high - width / 4], ArrowRight: [low + width / 4, high + width / 4],
    }[event.key];
    if (event.key !== "0" && !(part && width > 0)) return;
    event.preventDefault();
    this.view.zoomTo(this, part ?? null);
  }

  end() {
    this.asked += 1;
    this.view.charts.delete(this);
    this.seen.disconnect();
    this.sized.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }
}

/** The last value of a curve that is one. */
function last(data, n, smooth) {
  for (let row = data[0].length - 1; row >= 0; row -= 1) {
    const value = at(data, n, row, smooth, false);
    if (value) return value;
  }
  return null;
}
