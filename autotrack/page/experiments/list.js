// All experiments, those whose last run is the newest first.

import { address, go, h, link } from "../dom.js";
import { behind, field, form, search } from "../form.js";
import { ago, moment } from "../format.js";
import * as asking from "./asking.js";

export async function seen(query, allowed, again) {
  const [where, deleted] = [query.get("where") ?? "", query.has("deleted")];
  let found = [];
  let error = "";
  try {
    found = await asking.experiments(where, deleted);
  } catch (failure) {
    error = failure.message;
  }
  const other = `/?${new URLSearchParams({ experiments: "", ...(deleted ? {} : { deleted: "1" }) })}`;
  return {
    title: "experiments",
    trail: ["experiments"],
    content: [
      h("h1", {}, deleted ? "Deleted experiments" : "Experiments"),
      search("experiments", where, error, "name LIKE '%digits%'"),
      allowed.read_only || deleted ? null : behind("New experiment…", form("Create", [field("Name", h("input", { name: "name", required: true, maxlength: 500 }))],
        async ({ name }) => go({ experiment: await asking.create(name.trim()) }))),
      error ? null : found.length ? table(found, deleted, allowed, again) : h("p", { class: "dim" }, deleted ? "None is deleted." : "No experiment fits the filter."),
      h("p", {}, h("a", { href: other }, deleted ? "Those that are not deleted" : "Deleted ones")),
    ],
  };
}

function table(found, deleted, allowed, again) {
  const titles = ["Experiment", "Runs", "Last run", "Question", "Notes", ...(deleted && !allowed.read_only ? [""] : [])];
  const heads = titles.map((title) => h(title ? "th" : "td", { scope: title ? "col" : null, class: title === "Runs" ? "number" : null }, title));
  const rows = found.map((one) => h("tr", {},
    h("th", { scope: "row" }, link({ experiment: one.experiment_id }, one.name)),
    h("td", { class: "number" }, one.runs ? h("a", { href: address({ e: one.experiment_id }) }, String(one.runs)) : h("span", { class: "dim" }, "none")),
    h("td", { title: one.last === null ? null : moment(one.last) }, one.last === null ? null : ago(one.last)),
    h("td", { class: "text" }, one.tags.get(asking.QUESTION)), h("td", { class: "text" }, first(one.tags.get(asking.NOTES))),
    deleted && !allowed.read_only ? h("td", {}, form("Restore", [], async () => {
      await asking.restore(one.experiment_id);
      await again(`${one.name} is back.`);
    }, { class: "change small", "aria-label": `Restore ${one.name}` })) : null));
  return h("div", { class: "wide" }, h("table", { class: "list" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)));
}

/** The first line of notes, without what Markdown marks it by. */
const first = (notes) => (notes ?? "").split("\n").find((line) => line.trim())?.replace(/^[#>*\s-]+/, "").slice(0, 160) ?? null;
