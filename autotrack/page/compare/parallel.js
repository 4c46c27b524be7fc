// Parallel coordinates: a line for each run through its parameters to a metric. What is chosen on an axis is what the
// table below shows.

import { h, link, note, svg } from "../dom.js";
import { number } from "../format.js";
import { apart, choice, scale, short, sized, tint } from "./figure.js";

const [HEIGHT, TOP, BOTTOM, SIDE, NARROW] = [300, 30, 12, 70, 120];
const [SHADES, ROWS, STEPS, NEAR] = [12, 100, 1000, 0.02];

export function parallel(frame, query, defaults) {
  const drawn = new Parallel(frame, query, defaults);
  sized(drawn.picture, () => drawn.draw());
  return drawn.element;
}

class Parallel {
  constructor(frame, query, defaults) {
    this.frame = frame;
    const axes = listed(query.get("axes")).filter((name) => frame.has(name));
    this.metric = frame.has(query.get("by")) ? query.get("by") : defaults.metric;
    this.axes = axes.length ? axes : defaults.axes;
    this.brushes = new Map(brushesOf(query).filter(([name]) => frame.has(name)));
    this.picture = h("div", { class: "wide" });
    this.limits = h("div", { class: "limits" });
    this.rows = h("div", { class: "wide rows", tabindex: "0", role: "region", "aria-label": "Runs within the limits" });
    this.count = h("p", { role: "status" });
    this.pickers = h("p", { class: "choices" });
    this.element = [this.pickers, this.picture, h("details", { class: "limited", open: this.brushes.size > 0 }, h("summary", {}, "Limits"), this.limits), this.count, this.rows];
  }

  /** All of it anew: other axes, another metric. */
  async draw() {
    const names = [...new Set([...this.axes, this.metric])];
    const columns = await this.frame.columns(names);
    this.columns = names.map((name, n) => ({ name, title: this.frame.title(name), values: columns[n], scale: scale(columns[n]) }));
    this.pick();
    this.limits.replaceChildren(...this.columns.map((column) => this.limit(column)));
    this.show();
  }

  pick() {
    const { fields } = this.frame;
    const others = fields.filter((one) => !this.axes.includes(one.name) && one.name !== this.metric);
    const add = choice("add", others, "", (name) => name && this.change({ axes: [...this.axes, name] }), "an axis …");
    const coloured = choice("colour", fields.filter((one) => one.kind === "metrics"), this.metric, (metric) => this.change({ metric }));
    const shown = this.axes.map((name) => h("button", { type: "button", class: "axis", "aria-label": `Remove the axis ${this.frame.title(name)}`,
      onclick: () => this.change({ axes: this.axes.filter((one) => one !== name) }) }, this.frame.title(name), " ×"));
    this.pickers.replaceChildren(coloured, add, ...(this.axes.length > 1 ? shown : []));
  }

  change({ axes = this.axes, metric = this.metric }) {
    [this.axes, this.metric] = [axes.filter((name) => name !== metric), metric];
    for (const name of this.brushes.keys()) if (name !== metric && !axes.includes(name)) this.brushes.delete(name);
    note({ axes: JSON.stringify(this.axes), by: metric, brush: brushText(this.brushes) });
    return this.draw();
  }

  /** Both ends of what is chosen on an axis, for keys and touch. */
  limit(column) {
    const [low, high] = this.brushes.get(column.name) ?? [0, 1];
    const said = h("span", { class: "dim" });
    const ends = [low, high].map((at, n) => h("input", { type: "range", min: 0, max: STEPS, step: column.scale.texts ? STEPS / Math.max(1, column.scale.texts.length - 1) : 1,
      value: at * STEPS, "aria-label": `${column.title} ${n ? "to" : "from"}`, oninput: () => {
        const at = ends.map((end) => Number(end.value) / STEPS);
        this.brush(column, Math.min(...at), Math.max(...at), false);
      } }));
    column.follow = () => {
      const [from, to] = this.brushes.get(column.name) ?? [0, 1];
      const told = [from, to].map((at) => String(column.scale.say(column.scale.at(at))));
      ends.forEach((end, n) => end.setAttribute("aria-valuetext", told[n]));
      said.textContent = this.brushes.has(column.name) ? told.join(" … ") : "all";
      return ends;
    };
    column.follow();
    return h("fieldset", {}, h("legend", {}, column.title), ends, said);
  }

  /** Choose a stretch of an axis; what ends near the axis's end ends there, and the whole of it is no choice. */
  brush(column, from, to, moved = true) {
    const [low, high] = [from < NEAR ? 0 : from, to > 1 - NEAR ? 1 : to];
    if (low === 0 && high === 1) this.brushes.delete(column.name);
    else this.brushes.set(column.name, [low, high]);
    const ends = column.follow();
    if (moved) [low, high].forEach((at, n) => { ends[n].value = at * STEPS; });
    note({ brush: brushText(this.brushes) });
    this.show();
  }

  kept() {
    const limits = this.columns.flatMap((column) => (this.brushes.has(column.name) ? [[column, ...this.brushes.get(column.name)]] : []));
    return this.frame.names.map((_, n) => n).filter((n) => limits.every(([column, low, high]) => {
      const at = column.scale.place(column.values[n]);
      return at !== null && at >= low - 1e-6 && at <= high + 1e-6;
    }));
  }

  show() {
    const kept = this.kept();
    this.draft(new Set(kept));
    const metric = this.columns.at(-1);
    this.count.textContent = `${kept.length} of ${this.frame.size} ${this.frame.what}`;
    const rows = kept.slice(0, ROWS).map((n) => h("tr", {},
      h("th", { scope: "row" }, this.frame.ids?.[n] ? link({ run: this.frame.ids[n] }, this.frame.names[n]) : this.frame.names[n]),
      this.columns.map(({ values }) => h("td", {}, typeof values[n] === "number" ? number(values[n]) : values[n] ?? ""))));
    this.rows.replaceChildren(h("table", { class: "sides" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "run"), this.columns.map((column) => h("th", { scope: "col" }, column.title, column === metric ? " ●" : "")))),
      h("tbody", {}, rows)));
    if (kept.length > ROWS) this.rows.append(h("p", { class: "dim" }, `and ${kept.length - ROWS} more`));
  }

  draft(kept) {
    const metric = this.columns.at(-1);
    const gaps = Math.max(1, this.columns.length - 1);
    const width = Math.max(SIDE * 2 + NARROW * gaps, Math.min(1400, this.picture.clientWidth));
    const across = (n) => SIDE + (n * (width - 2 * SIDE)) / gaps;
    const down = (at) => HEIGHT - BOTTOM - at * (HEIGHT - BOTTOM - TOP);
    const paths = Array.from({ length: SHADES + 1 }, () => []);
    for (let n = 0; n < this.frame.size; n += 1) {
      const at = metric.scale.place(metric.values[n]);
      const shade = !kept.has(n) || at === null ? SHADES : Math.min(SHADES - 1, Math.floor(at * SHADES));
      paths[shade].push(line(this.columns.map((column) => column.scale.place(column.values[n])), across, down));
    }
    const order = [SHADES, ...Array.from({ length: SHADES }, (_, n) => n)];
    const said = `${this.columns.map((column) => column.title).join(", ")}: ${kept.size} of ${this.frame.size} ${this.frame.what}`;
    const axes = this.columns.map((column, n) => this.axis(column, across(n), down));
    const drawn = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": said },
      svg("g", { class: "lines" }, order.map((n) => svg("path", { d: paths[n].join(""), class: n === SHADES ? "rest" : "kept", stroke: n === SHADES ? null : tint((n + 0.5) / SHADES) }))),
      svg("g", { class: "axes" }, axes));
    this.picture.replaceChildren(drawn);
  }

  axis(column, left, down) {
    const [low, high] = this.brushes.get(column.name) ?? [0, 0];
    const at = (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      return Math.max(0, Math.min(1, 1 - (event.clientY - box.top) / box.height));
    };
    let begun = null;
    const field = svg("rect", { x: left - 18, y: down(1), width: 36, height: down(0) - down(1), class: "field",
      onpointerdown: (event) => {
        begun = at(event);
        event.currentTarget.setPointerCapture(event.pointerId);
      },
      onpointermove: (event) => {
        if (begun === null) return;
        const [from, to] = [begun, at(event)].sort((a, b) => a - b);
        chosen.setAttribute("y", down(to));
        chosen.setAttribute("height", down(from) - down(to));
      },
      onpointerup: (event) => {
        const [from, to] = [begun, at(event)].sort((a, b) => a - b);
        begun = null;
        this.brush(column, ...(to - from < 0.01 ? [0, 1] : [from, to]));
      } });
    const chosen = svg("rect", { x: left - 6, y: down(high), width: 12, height: down(low) - down(high), class: "chosen" });
    return svg("g", { "aria-hidden": "true" }, svg("path", { d: `M${left} ${down(0)}V${down(1)}` }),
      apart(column.scale.ticks, down(0) - down(1)).map((tick) => svg("text", { x: left + 6, y: down(tick.at) + 4 }, short(tick.text, 14))),
      svg("text", { x: left, y: TOP - 14, "text-anchor": "middle", class: "name" }, short(column.title)), chosen, field);
  }
}

/** A line through the axes, with a gap where a run lacks a value. */
function line(places, across, down) {
  let pen = "M";
  let path = "";
  places.forEach((at, n) => {
    if (at === null) pen = "M";
    else {
      path += `${pen}${across(n)} ${down(at).toFixed(1)}`;
      pen = "L";
    }
  });
  return path;
}

/** What the address has as a list; nothing where that is none. */
function listed(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/** `[[field, [from, to]], …]`, places on the axes. */
const brushesOf = (query) => listed(query.get("brush")).filter((one) =>
  Array.isArray(one?.[1]) && one[1].length === 2 && one[1].every((at) => at >= 0 && at <= 1));

const brushText = (brushes) => (brushes.size ? JSON.stringify([...brushes].map(([name, ends]) => [name, ends.map((at) => Number(at.toFixed(3)))])) : null);
