// What was done to a registered model, in words.

import { h, link } from "../dom.js";
import { moment, number } from "../format.js";
import { checks } from "./checks.js";

const DONE = {
  model_created: () => "made the model",
  model_described: (one) => (one.after ? `described it: ${one.after}` : "took its description away"),
  model_renamed: (one) => `renamed it from ${one.before} to ${one.after}`,
  model_deleted: () => "deleted the model with its versions",
  model_tags: (one) => tagged(one, "of the model"),
  version_created: (one) => `registered version ${one.version} from ${one.after}`,
  version_described: (one) => (one.after ? `described version ${one.version}: ${one.after}` : `took the description of version ${one.version} away`),
  version_deleted: (one) => `deleted version ${one.version}`,
  version_tags: (one) => tagged(one, `of version ${one.version}`),
  alias: (one) => (one.after === undefined ? `took @${one.subject} away from version ${one.before}`
    : `${one.rollback ? "rolled back" : "put"} @${one.subject} ${one.before ? `from version ${one.before} to` : "on version"} ${one.after}`),
  stage: (one) => `${one.rollback ? "rolled back to version" : "moved version"} ${one.version} from ${one.before} to ${one.after}`
    + (one.archived?.length ? `, and archived ${one.archived.join(", ")}` : ""),
  approval: (one) => `approved of version ${one.version}${one.after ? ` for ${one.after}` : ""}`,
};

const tagged = (one, whose) => (one.after === undefined ? `took the tag ${one.subject} ${whose} away` : `set the tag ${one.subject} ${whose} to ${one.after}`);

const who = (one) => h("td", { title: one.verified ? "authenticated by a server" : `nobody has checked this name${one.host ? `; from ${one.host}` : ""}` },
  one.user || h("span", { class: "dim" }, "somebody"));

/** A table of changes, the last one first: when, who, what and why. */
export function history(changes, name) {
  const rows = [...changes].reverse().map((one) => h("tr", {},
    h("td", { class: "dim" }, moment(one.time)), who(one),
    h("td", {}, told(one, name), evidence(one)),
    h("td", {}, one.why || null)));
  const heads = ["When", "Who", "What", "Why"].map((title) => h("th", { scope: "col" }, title));
  return h("div", { class: "wide" }, h("table", { class: "list history" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)));
}

/** What was done, with a link to the version that it was done to. */
function told(one, name) {
  const text = DONE[one.kind]?.(one) ?? one.kind;
  const named = `version ${one.version}`;
  const [before, ...after] = text.split(named);
  return one.version && after.length ? [before, link({ model: name, version: one.version }, named), after.join(named)] : text;
}

/** What was known when a version was moved. */
function evidence(one) {
  const metrics = Object.entries(one.metrics ?? {});
  if (!["alias", "stage"].includes(one.kind) || !(metrics.length || one.checks?.length)) return null;
  return h("details", {}, h("summary", {}, one.checks?.length ? `${one.checks.length} checks were met` : "its metrics then"),
    one.checks?.length ? checks(one.checks) : null,
    metrics.length ? h("p", { class: "dim" }, metrics.map(([key, value]) => `${key} ${number(Number(value))}`).join(", ")) : null);
}
