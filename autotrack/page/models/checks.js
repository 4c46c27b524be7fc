// What the policies of a project say to a promotion.

import { h } from "../dom.js";

/** Each demand, whether it is met, and what was found. */
export const checks = (made) => h("table", { class: "checks" }, h("tbody", {}, made.map(({ demand, passed, found }) =>
  h("tr", { class: passed ? "met" : "missed" }, h("td", {}, passed ? "✓ met" : "✗ not met"), h("th", { scope: "row" }, demand), h("td", {}, found)))));

/** What all of them come to, in a sentence. */
export function verdict(made) {
  const missed = made.filter((one) => !one.passed).length;
  if (!made.length) return "No policy has a say in this.";
  if (!missed) return made.length === 1 ? "The one demand of the policies is met." : `All ${made.length} demands of the policies are met.`;
  return `${missed} of ${made.length} demands of the policies ${missed === 1 ? "is" : "are"} not met: it cannot go there.`;
}
