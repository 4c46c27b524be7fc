// The curves of a run: a chart for each quantity, by what stands before its last slash.

import { chart, families, switches, View } from "../chart/curves.js";
import { h } from "../dom.js";
import { fold } from "./fold.js";

const MACHINE = "system";
const MANY = 24; // charts from which on a family is folded at first
const FOLDED = new Set(["step", "pace", MACHINE]);
const AT_EACH = "train/epoch_seconds"; // has a point at the end of each epoch of PyTorch's

export class Curves {
  constructor(query, known) {
    const axes = ["step", "elapsed", "time"];
    if (known.told.metrics.some((one) => epochsOf(known, one.key))) axes.push("epoch");
    this.view = new View(query);
    this.charts = new Map();
    this.grids = new Map();
    this.families = h("div", {});
    this.switches = switches(this.view, axes);
    this.element = h("div", { class: "slot" });
    this.fill(known);
  }

  /** Have a chart for every metric that is a curve by now. */
  fill(known) {
    const keys = known.told.metrics.filter((one) => one.points > 1).map((one) => one.key);
    if (keys.length && !this.element.hasChildNodes()) this.element.append(fold("curves", "Curves", {}, this.switches, this.families));
    for (const [family, groups] of families(keys)) {
      for (const [title, some] of groups) {
        const curves = some.map((key) => ({ run: known.run.id, key, label: key, start: known.run.start, epochs: epochsOf(known, key) }));
        const name = `${family}\n${title}\n${some}`;
        if (this.charts.has(name)) continue;
        this.forget(`${family}\n${title}\n`); // a curve has joined it
        const made = chart(title.startsWith(`${family}/`) ? title.slice(family.length + 1) : title, curves, this.view, { name: title, axis: family === MACHINE ? "elapsed" : null });
        this.charts.set(name, made);
        this.grid(family, groups.size).append(made);
      }
    }
  }

  forget(prefix) {
    for (const [name, made] of this.charts) {
      if (!name.startsWith(prefix)) continue;
      made.remove();
      made.end();
      this.charts.delete(name);
    }
  }

  grid(family, count) {
    if (!this.grids.has(family)) {
      const made = h("div", { class: "charts" });
      this.grids.set(family, made);
      const open = !FOLDED.has(family) && count <= MANY;
      this.families.append(family ? fold(`curves-${encodeURIComponent(family)}`, family === MACHINE ? "the machine" : family, { open, more: count }, made) : made);
    }
    return this.grids.get(family);
  }

  /** Continue what is drawn, and draw what is new. */
  async refresh(known) {
    this.fill(known);
    const points = new Map(known.told.metrics.map((one) => [one.key, one.points]));
    await Promise.all([...this.charts.values()].map((one) => one.refresh(({ key }) => points.get(key) ?? 0)));
  }
}

/** What tells in which epoch a step or a moment was, if anything does; where steps are epochs nothing has to. */
function epochsOf({ told }, key) {
  const known = new Set(told.metrics.filter((one) => one.points > 1).map((one) => one.key));
  if (known.has("epoch")) return { key: "epoch", along: "step" };
  return key.startsWith("step/") && known.has(AT_EACH) ? { key: AT_EACH, along: "time" } : null;
}
