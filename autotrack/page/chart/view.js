// How charts are looked at: along which axis, how smooth, which part, which curves. The address says it.

import { h, note } from "../dom.js";

/** The axes of x by their name in the address, with what a reader calls them. */
export const AXES = { step: "step", elapsed: "time elapsed", time: "time of day", epoch: "epoch" };

/** What all charts of a page have in common. Each chart that is drawn is among `charts`, and is told of changes. */
export class View {
  constructor(query = new URLSearchParams()) {
    this.axis = query.get("axis") in AXES ? query.get("axis") : "step";
    this.log = query.has("log");
    this.logx = query.has("logx");
    this.smooth = Math.min(0.999, Math.max(0, Number(query.get("smooth")) || 0));
    this.together = query.has("together");
    this.off = new Set(words(query.get("off")));
    this.zooms = new Map(words(query.get("zoom")).flatMap((one) => {
      const found = /^(.*):(-?[\d.e+-]+),(-?[\d.e+-]+)$/s.exec(one);
      return found && Number(found[2]) < Number(found[3]) ? [[found[1], [Number(found[2]), Number(found[3])]]] : [];
    }));
    this.charts = new Set();
    this.dressed = () => this.charts.forEach((one) => one.redraw());
    addEventListener("dressed", this.dressed);
  }

  /** The part of the axis that a chart shows, as two x; null for all. */
  zoom(chart) {
    return this.zooms.get(this.place(chart)) ?? null;
  }

  /** Show a part of the axis in a chart, or in all of them where they go together; null for all of it. */
  zoomTo(chart, part) {
    const place = this.place(chart);
    if (part) this.zooms.set(place, part);
    else this.zooms.delete(place);
    this.say();
    for (const one of this.charts) if (this.place(one) === place) one.show();
  }

  /** Under which name the zoom of a chart is known: "" for that of all, which one with an axis of its own is not among. */
  place(chart) {
    return this.together && !chart.own ? "" : chart.name;
  }

  /** Show a curve or hide it, in each chart that has it. */
  turn(label) {
    if (!this.off.delete(label)) this.off.add(label);
    this.say();
    this.charts.forEach((one) => one.redraw());
  }

  /** Look at all charts in another way. */
  change(ways) {
    const other = ways.axis !== undefined && ways.axis !== this.axis;
    if (other || "together" in ways) this.zooms.clear(); // of another axis, or of other charts
    Object.assign(this, ways);
    this.say();
    const anew = other || "logx" in ways || "together" in ways;
    this.charts.forEach((one) => (anew ? one.show() : one.redraw()));
  }

  /** Have the address say it. */
  say() {
    const flag = (on) => (on ? "1" : null);
    note({
      axis: this.axis === "step" ? null : this.axis, log: flag(this.log), logx: flag(this.logx),
      smooth: this.smooth || null, together: flag(this.together), off: spelt(this.off),
      zoom: spelt([...this.zooms].map(([title, [from, to]]) => `${title}:${from},${to}`)),
    });
  }

  /** Let go of all charts, as another page is shown. */
  leave() {
    removeEventListener("dressed", this.dressed);
    this.charts.forEach((one) => one.end());
  }
}

/** Several texts as one value of the address, and back. */
const spelt = (texts) => [...texts].map((one) => encodeURIComponent(one).replaceAll("~", "%7E")).join("~") || null;

function words(text) {
  try {
    return (text ?? "").split("~").filter(Boolean).map(decodeURIComponent);
  } catch {
    return []; // somebody's own spelling
  }
}

/** What one turns to look at charts in another way; `axes` are the names of those that there are. */
export function switches(view, axes = ["step", "elapsed", "time"]) {
  const choice = h("select", { "aria-label": "Axis of x", onchange: () => view.change({ axis: choice.value }) },
    axes.map((name) => h("option", { value: name, selected: name === view.axis }, AXES[name])));
  const told = h("output", {}, view.smooth ? String(view.smooth) : "off");
  const slider = h("input", {
    type: "range", min: 0, max: 0.99, step: 0.01, value: view.smooth, "aria-label": "Smoothing", onchange: () => view.say(), oninput: () => {
      view.smooth = Number(slider.value);
      told.textContent = view.smooth ? slider.value : "off";
      view.charts.forEach((one) => one.redraw());
    },
  });
  const box = (name, title) => {
    const made = h("input", { type: "checkbox", checked: view[name], onchange: () => view.change({ [name]: made.checked }) });
    return h("label", {}, made, " ", title);
  };
  return h("form", { class: "switches", onsubmit: (event) => event.preventDefault() },
    h("label", {}, "along ", choice), box("log", "log y"), box("logx", "log x"),
    h("label", {}, "smooth ", slider, " ", told), box("together", "zoom together"),
    h("span", { class: "dim" }, "drag to zoom, double click for all"));
}
