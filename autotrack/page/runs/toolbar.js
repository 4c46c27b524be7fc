// What stands above the table, and in its place where there is no run to show.

import { h, link } from "../dom.js";
import { OWN, spelt } from "./columns.js";
import { open } from "./dialog.js";
import { choice } from "./groups.js";
import { addressOf, remember, remembered, turnTo } from "./view.js";

/** The choice of an experiment and the filter. */
export function question(page) {
  const turn = (change) => turnTo({ ...page.view, where: page.filter.field.value.trim(), ...change });
  const experiment = h("select", { name: "e", "aria-label": "Experiment", onchange: () => turn({ experiments: experiment.value ? [experiment.value] : [] }) },
    h("option", { value: "" }, "all experiments"),
    [...page.experiments].map(([id, name]) => h("option", { value: id }, name)));
  const submit = (event) => { event.preventDefault(); turn({}); };
  return h("form", { class: "filter", role: "search", onsubmit: submit }, experiment, page.filter.element, h("button", {}, "Filter"));
}

/** What can be done with the runs, and how they are shown. */
export function tools(page, { keys, choose }) {
  const { view } = page;
  const button = (title, press, label) => h("button", { type: "button", onclick: press, "aria-label": label }, title);
  const grouped = page.keys.keys.filter((one) => one.kind !== "metrics").map((one) => ({ ...one, field: spelt(one.kind, one.key) }));
  return h("div", {},
    h("div", { class: "actions" },
      page.actions.buttons, h("span", { class: "rule" }),
      button("Columns", choose), view.deleted ? null : choice(view, grouped, (group) => turnTo({ ...view, group })), button("Views", () => views(view)), button("?", keys, "Keys"),
      h("a", { href: addressOf({ ...view, deleted: !view.deleted, group: "", baseline: "", flat: false }) }, view.deleted ? "back to the runs that are there" : "Deleted"),
      baselineOf(page), page.count, page.deep, page.news, page.actions.said),
    page.actions.panel);
}

/** What the values are compared with. */
function baselineOf({ view, base }) {
  if (!view.baseline) return null;
  return h("span", { class: "mark" }, "baseline ", base ? link({ run: base.id }, base.name) : "not found",
    h("a", { href: addressOf({ ...view, baseline: "" }), "aria-label": "No baseline", class: "plain" }, " ×"));
}

/** Views that have names: an address is all that a view is. */
function views(view) {
  const list = h("ul", { class: "views" });
  const name = h("input", { "aria-label": "Name of this view", placeholder: "a name for what is shown", required: true });
  const kept = remembered("views");
  const show = () => {
    remember("views", kept);
    list.replaceChildren(...[...kept].map(([title, address]) => h("li", {}, h("a", { href: address, onclick: () => made.close() }, title), " ",
      h("button", { type: "button", class: "plain", "aria-label": `Forget ${title}`, onclick: () => { kept.delete(title); show(); } }, "×"))),
    ...(kept.size ? [] : [h("li", { class: "dim" }, "None yet. A view is its address, so a bookmark or a link in a chat keeps it, too.")]));
  };
  const keep = (event) => { event.preventDefault(); kept.set(name.value.trim(), addressOf(view)); name.value = ""; show(); };
  const made = open("Views", list, h("form", { class: "actions", onsubmit: keep }, name, h("button", {}, "Keep this one")));
  show();
}

/** Where nothing was recorded. */
export function empty() {
  return h("section", {}, h("h1", {}, "No run yet"),
    h("p", {}, "Record one without changing a program:"), h("pre", {}, "autotrack run train.py"),
    h("p", {}, "or from within it:"), h("pre", {}, "import autotrack\nautotrack.autolog()"));
}

/** Where nothing fits. */
export function nothing(view) {
  if (view.deleted) return h("p", { class: "empty" }, "No deleted run fits. ", h("a", { href: addressOf({ ...view, deleted: false }) }, "Back to the runs that are there"));
  if (!view.where) return h("p", { class: "empty" }, "This experiment has no run yet. Record one into it: ", h("code", {}, "AUTOTRACK_EXPERIMENT=NAME autotrack run train.py"));
  return h("p", { class: "empty" }, "No run fits the filter. ", h("a", { href: addressOf({ ...view, where: "" }) }, "Take it away"),
    ", or begin with a field and let it be completed: ", h("code", {}, "params."), " ", h("code", {}, "metrics."), " ", h("code", {}, "status = 'FAILED'"));
}

/** What the server says it cannot show. */
export function wrong(view, error) {
  return h("div", { class: "empty" }, h("pre", { class: "error", role: "alert" }, error),
    h("a", { href: addressOf({ ...view, columns: OWN, pinned: [], sort: "", group: "", baseline: "" }) }, "Show it without those columns"));
}
