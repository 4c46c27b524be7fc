// All registered models.

import { h, link } from "../dom.js";
import { search } from "../form.js";
import { ago, moment } from "../format.js";
import * as asking from "./asking.js";
import { places, told } from "./parts.js";

export async function seen(query) {
  const where = query.get("where") ?? "";
  let found = { models: [] };
  let error = "";
  try {
    found = await asking.models(where);
  } catch (failure) {
    error = failure.message;
  }
  const content = error || found.models.length || where
    ? [h("h1", {}, "Models"), search("models", where, error, "name LIKE '%churn%' AND tags.team = 'ml'"), error ? null : table(found)]
    : [empty()];
  return { title: "models", trail: ["models"], content };
}

function empty() {
  return h("section", {}, h("h1", {}, "No model is registered yet"),
    h("p", {}, "Register what a run has logged:"),
    h("pre", {}, 'autotrack.register_model("runs:/<run id>/model", "churn")'),
    h("p", {}, "or have every training do so:"),
    h("pre", {}, 'autotrack.sklearn.autolog(registered_model_name="churn")'));
}

function table({ models, next }) {
  const body = h("tbody", {}, models.map(row));
  const heads = ["Model", "In use", "Newest", "Description", "Changed"].map((title) => h("th", { scope: "col" }, title));
  const more = next ? h("button", { type: "button", onclick: async () => {
    const found = await asking.models(new URLSearchParams(location.search).get("where") ?? "", next);
    body.append(...found.models.map(row));
    next = found.next;
    more.hidden = !next;
  } }, "More") : null;
  if (!models.length) return h("p", { class: "dim" }, "No model fits the filter.");
  return h("div", {}, h("div", { class: "wide" }, h("table", { class: "list" }, h("thead", {}, h("tr", {}, heads)), body)), more);
}

function row(model) {
  const newest = [...(model.latest_versions ?? [])].sort((one, other) => other.version - one.version)[0];
  const changed = Number(model.last_updated_timestamp ?? model.creation_timestamp);
  return h("tr", {}, h("th", { scope: "row" }, link({ model: model.name }, model.name)),
    h("td", {}, places(model)),
    h("td", {}, newest ? [link({ model: model.name, version: newest.version }, `version ${newest.version}`),
      h("span", { class: "dim" }, `, ${ago(Number(newest.creation_timestamp))}${newest.user_id ? ` by ${newest.user_id}` : ""}`)] : h("span", { class: "dim" }, "none")),
    h("td", { class: "text" }, told(model.description)), h("td", { title: moment(changed) }, ago(changed)));
}
