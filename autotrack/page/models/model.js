// One registered model: what of it serves, its versions, and all that was ever done to it.

import { readOnly } from "../changing.js";
import { go, h, link, section } from "../dom.js";
import { behind, form, reason, who } from "../form.js";
import { ago, moment, number } from "../format.js";
import * as asking from "./asking.js";
import { chip, description, placesOf, serving, tags, told } from "./parts.js";
import { history } from "./words.js";

const MOST_METRICS = 4;

export async function seen(query, allowed, again) {
  const name = query.get("model");
  const [model, versions, changes] = await Promise.all([asking.model(name), asking.versions(name), asking.history(name)]);
  const runs = await asking.runsOf(versions);
  return {
    title: name,
    trail: [h("a", { href: "/?models" }, "models"), name],
    content: [
      h("h1", {}, name),
      description(name, null, model.description, allowed, again),
      allowed.read_only ? readOnly() : null,
      section("In use", inUse(model, changes, allowed, again)),
      section("Versions", versions.length ? table(name, versions, runs) : empty(name)),
      section("Tags", tags(name, null, model.tags ?? [], allowed, again)),
      section("History", history(changes, name), verified()),
    ].flat(),
  };
}

const empty = (name) => [h("p", {}, "It has no version yet. Register one:"), h("pre", {}, `autotrack.register_model("runs:/<run id>/model", ${JSON.stringify(name)})`)];

/** Each stage and alias with its version, since when, by whom, and the way back. */
function inUse(model, changes, allowed, again) {
  const places = serving(model);
  if (!places.length) return h("p", { class: "dim" }, "No version is in a stage that serves, and no alias leads to one.");
  const rows = places.map(([place, version]) => {
    const moved = changes.findLast((one) => (one.kind === "stage" && one.after === place && one.version === version)
      || (one.kind === "alias" && `@${one.subject}` === place && one.after === version));
    return h("tr", {}, h("th", { scope: "row" }, chip(place)), h("td", {}, link({ model: model.name, version }, `version ${version}`)),
      h("td", { title: moved ? moment(moved.time) : null }, moved ? `since ${ago(moved.time).replace(" ago", "")}` : null),
      h("td", {}, moved?.user ?? null), h("td", { class: "text" }, moved?.why ?? null),
      allowed.read_only ? null : h("td", {}, back(model.name, place, version, allowed, again)));
  });
  return h("div", { class: "wide" }, h("table", { class: "list" }, h("tbody", {}, rows)));
}

/** The way back to the version that was there before. */
const back = (name, to, version, allowed, again) => behind("Roll back…", form(`Take version ${version} out of ${to}`, [reason(), who(allowed)], async (given) => {
  const done = await asking.rollback({ name, to, reason: given.reason, expected: version });
  await again(`Version ${done.version} is at ${to} again, as before version ${version}.`);
}));

/** The versions, some of which can be chosen to be set side by side. */
function table(name, versions, runs) {
  const keys = telling([...runs.values()]);
  const chosen = new Set();
  const compare = h("button", { type: "button", disabled: true, onclick: () => go({ model: name, versions: [...chosen].sort((a, b) => a - b).join(",") }) }, "Compare");
  const tick = (version) => h("input", { type: "checkbox", "aria-label": `Choose version ${version}`, onchange: (event) => {
    chosen[event.target.checked ? "add" : "delete"](version);
    compare.disabled = chosen.size < 2;
    compare.textContent = chosen.size ? `Compare ${chosen.size}` : "Compare";
  } });
  const rows = versions.map((one) => {
    const run = runs.get(one.run_id);
    const made = Number(one.creation_timestamp);
    return h("tr", {}, h("td", {}, tick(one.version)), h("th", { scope: "row" }, link({ model: name, version: one.version }, `version ${one.version}`)),
      h("td", {}, placesOf(one).map(chip)), h("td", { title: moment(made) }, ago(made)), h("td", {}, one.user_id ?? ""),
      h("td", {}, one.run_id ? link({ run: one.run_id }, run?.name || one.run_id.slice(0, 8)) : null),
      keys.map((key) => h("td", { class: "number" }, number(run?.metrics.get(key)))),
      h("td", {}, (one.tags ?? []).map(({ key, value }) => h("span", { class: "chip" }, value ? `${key} ${value}` : key))),
      h("td", { class: "text" }, told(one.description)));
  });
  const heads = ["Version", "Where", "Registered", "By", "Run", ...keys, "Tags", "Description"].map((title) =>
    h("th", { scope: "col", class: keys.includes(title) ? "number" : null }, title));
  return [h("p", { class: "choosing" }, compare, h("span", { class: "dim" }, `${versions.length} ${versions.length === 1 ? "version" : "versions"}`)),
    h("div", { class: "wide" }, h("table", { class: "list" }, h("thead", {}, h("tr", {}, h("td", {}), heads)), h("tbody", {}, rows)))];
}

/** The metrics that most of the runs have. */
function telling(runs) {
  const count = new Map();
  for (const run of runs) for (const key of run.metrics.keys()) if (!/^(system|step)\//.test(key)) count.set(key, (count.get(key) ?? 0) + 1);
  return [...count].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, MOST_METRICS).map(([key]) => key);
}

/** Whether the registry's log is as it was written; it is read for that after the page is shown. */
function verified() {
  const line = h("p", { class: "dim" }, "The log is being read again…");
  asking.verdict().then(({ entries, head, problems }) => {
    const whole = !problems?.length;
    line.className = whole ? "dim" : "error";
    line.replaceChildren(whole
      ? `The registry's log is unbroken: ${entries} entries, each of which holds the hash of the one before. Its head is `
      : `The registry's log is broken: ${problems.join("; ")}`, whole ? h("code", { title: head }, (head ?? "").slice(0, 12)) : "");
  }, (error) => line.replaceChildren(error.message));
  return line;
}
