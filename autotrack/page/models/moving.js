// Where a version may go: what the policies say to it first, then the move, with a reason; approvals and aliases.

import { h } from "../dom.js";
import { behind, field, form, reason, who } from "../form.js";
import * as asking from "./asking.js";
import { checks, verdict } from "./checks.js";
import { placesOf, SERVING, STAGES } from "./parts.js";

const OTHER = "another alias";

/** All that can be done with a version. */
export const changes = (version, model, allowed, again) => [
  promotion(version, model, allowed, again),
  behind("Approve of it…", approval(version, model, allowed, again)),
  version.aliases?.length ? behind("Take an alias away…", aliases(version, allowed, again)) : null,
].filter(Boolean);

function targets(model, chosen) {
  const known = [...STAGES, ...(model.aliases ?? []).map(({ alias }) => `@${alias}`).sort()];
  return [...known, ...chosen].map((one) => h("option", { value: one }, one));
}

/** Two steps: what the policies say, then the move. What has changed in between is refused by the server. */
function promotion(version, model, allowed, again) {
  const alias = h("input", { name: "alias", "aria-label": "Name of the alias", placeholder: "champion", hidden: true });
  const to = h("select", { name: "to", onchange: () => {
    alias.hidden = to.value !== OTHER;
    alias.required = !alias.hidden;
    answer.replaceChildren();
  } }, targets(model, [OTHER]));
  const answer = h("div", { class: "answer" });
  alias.addEventListener("input", () => answer.replaceChildren());
  const check = form("Check", [field("To", to), alias], async (given) => {
    const goal = given.to === OTHER ? `@${given.alias.trim().replace(/^@/, "")}` : given.to;
    const wish = { name: version.name, version: version.version, to: goal };
    const found = await asking.promote({ ...wish, only_check: true });
    answer.replaceChildren(...judged(version, found, wish, allowed, again));
  }, { "aria-label": "Promote" });
  return h("div", { class: "promotion" }, check, answer);
}

/** What the policies say, and the move if they allow it. */
function judged(version, found, wish, allowed, again) {
  const made = found.checks ?? [];
  const before = found.before;
  const archives = SERVING.includes(wish.to) && before;
  const there = before ? `Version ${before} is there now` : "No version is there now";
  const said = SERVING.includes(wish.to) || wish.to.startsWith("@") ? ` ${there}${archives ? ", and would be archived" : ""}.` : "";
  const keep = archives ? h("label", { class: "tick" }, h("input", { type: "checkbox", name: "keep" }), " keep it there too") : null;
  if (placesOf(version).includes(wish.to)) return [h("p", { role: "status" }, "It is there already."), checks(made)];
  const line = h("p", { role: "status" }, `${verdict(made)}${said}`);
  if (made.some((one) => !one.passed)) return [line, checks(made)];
  const move = form(`Promote to ${wish.to}`, [keep, reason(), who(allowed)].filter(Boolean), async (given) => {
    const done = await asking.promote({ ...wish, reason: given.reason, keep_others: Boolean(given.keep), expected: before ?? "" });
    if (!done.made) throw new Error(verdict(done.checks ?? []));
    await again(`Version ${done.version} is at ${done.to}.${done.before ? ` Before it, version ${done.before} was.` : ""}`);
  }, { class: "change column" });
  return [line, made.length ? checks(made) : null, move].filter(Boolean);
}

function approval(version, model, allowed, again) {
  const to = h("select", { name: "to" }, h("option", { value: "" }, "anywhere"), targets(model, []));
  return form("Approve", [field("For", to), reason(), who(allowed)], async (given) => {
    await asking.approve({ name: version.name, version: version.version, to: given.to, reason: given.reason });
    await again(`Version ${version.version} is approved of${given.to ? ` for ${given.to}` : ""}.`);
  }, { class: "change column" });
}

const aliases = (version, allowed, again) => version.aliases.map((alias) =>
  form(`Take @${alias} away`, [reason(), who(allowed)], async (given) => {
    await asking.removeAlias({ name: version.name, alias, reason: given.reason });
    await again(`@${alias} leads nowhere now.`);
  }, { class: "change column" }));
