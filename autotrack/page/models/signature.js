// What a model takes and gives.

import { h, pairs } from "../dom.js";

const SIDES = { inputs: "takes", outputs: "gives", params: "with" };

/** A signature as MLflow writes it, or its text where it cannot be read. */
export function signature(text) {
  if (!text) return h("p", { class: "dim" }, "None was recorded.");
  try {
    const parts = JSON.parse(text);
    return pairs(Object.entries(SIDES).flatMap(([side, title]) => columns(parts[side]).map((one, n) =>
      [n ? "" : title, one.name ?? `column ${n}`, kind(one)])));
  } catch {
    return h("pre", {}, text);
  }
}

const columns = (part) => (typeof part === "string" ? JSON.parse(part) : part) ?? [];

function kind(one) {
  const tensor = one["tensor-spec"];
  const type = tensor ? `${tensor.dtype} (${tensor.shape.map((size) => (size < 0 ? "any" : size)).join(" × ")})` : String(one.type);
  return `${type}${one.required === false ? ", may be left out" : ""}${one.default === undefined ? "" : `, by default ${one.default}`}`;
}
