// What the pages of models have in common.

import { pairs, h, link } from "../dom.js";
import { behind, field, form } from "../form.js";
import * as asking from "./asking.js";

export const STAGES = ["Production", "Staging", "Archived", "None"];
export const SERVING = ["Production", "Staging"];

/** A stage or an alias. */
export const chip = (text) => h("span", { class: `chip ${text.startsWith("@") ? "alias" : text}` }, text);

/** Where a version is: its stage and the aliases that lead to it. */
export const placesOf = (version) =>
  [...(version.current_stage && version.current_stage !== "None" ? [version.current_stage] : []), ...(version.aliases ?? []).map((one) => `@${one}`)];

/** What of a model serves: each stage and alias with its version. */
export function serving(model) {
  const stages = (model.latest_versions ?? []).filter((one) => SERVING.includes(one.current_stage)).map((one) => [one.current_stage, one.version]);
  const aliases = (model.aliases ?? []).map(({ alias, version }) => [`@${alias}`, version]);
  return [...stages.sort(), ...aliases.sort()];
}

export const places = (model) =>
  serving(model).map(([place, version]) => h("span", { class: "place" }, chip(place), " ", link({ model: model.name, version }, version)));

/** The first line of a text. */
export const told = (text) => (text ?? "").split("\n", 1)[0].slice(0, 160);

/** The tags of a model or a version, and how they are changed. */
export function tags(name, version, known, allowed, again) {
  const list = [...known].sort((one, other) => one.key.localeCompare(other.key));
  const remove = (key) => form("Remove", [], async () => {
    await asking.deleteTag(name, version, key);
    await again(`The tag ${key} is gone.`);
  }, { class: "change small", "aria-label": `Remove the tag ${key}` });
  const rows = list.map(({ key, value }) => [key, value ?? "", ...(allowed.read_only ? [] : [remove(key)])]);
  const add = allowed.read_only ? null : form("Set tag", [
    field("Key", h("input", { name: "key", required: true, maxlength: 250 })), field("Value", h("input", { name: "value" })),
  ], async ({ key, value }) => {
    await asking.setTag(name, version, key.trim(), value);
    await again(`The tag ${key.trim()} is set.`);
  });
  return [pairs(rows), add];
}

/** The description of a model or a version, with the way to change it beside it. */
export function description(name, version, text, allowed, again) {
  const shown = h("p", { class: text ? "description" : "dim" }, text || "None yet.");
  if (allowed.read_only) return text ? [shown] : [];
  const area = h("textarea", { name: "description", rows: 3, "aria-label": "Description" });
  area.value = text ?? "";
  return [h("div", { class: "described" }, shown, behind("edit", form("Save", [area], async (given) => {
    await asking.describe(name, version, given.description);
    await again("The description is saved.");
  })))];
}
