// What the run read, and the models that it made.

import { h, link, pairs } from "../dom.js";
import * as format from "../format.js";
import { modelFileAddress, modelFiles } from "./asking.js";
import { lazily } from "./fold.js";
import { tree } from "./json.js";

/** What a data set was used for; "read" is a file that the program has read, for this run or for another one. */
export const role = ({ tags }) => (tags ?? []).find((one) => one.key === "mlflow.data.context")?.value ?? "";

/** A data set: what it is called and used for, its shape and digest, its columns and its profile. */
export function data(input) {
  const { dataset } = input;
  const [schema, profile, source] = [dataset.schema, dataset.profile, dataset.source].map(parsed);
  const shape = shaped(profile);
  return h("article", { class: "card" },
    h("p", { class: "strip" }, h("b", {}, dataset.name), h("span", { class: "dim" }, [role(input), shape].filter(Boolean).join(", ")), h("code", { title: "digest" }, dataset.digest)),
    columnsOf(schema),
    profile && typeof profile === "object" ? lazily("profile", () => tree(profile)) : null,
    dataset.source ? lazily("source", () => (source && typeof source === "object" ? tree(source) : h("code", {}, dataset.source))) : null);
}

function parsed(text) {
  try {
    return JSON.parse(text || "null");
  } catch {
    return text;
  }
}

function shaped(profile) {
  const found = profile?.features_shape ?? profile?.shape;
  if (Array.isArray(found)) return found.join(" × ");
  if (profile?.num_rows) return `${profile.num_rows} rows`;
  return profile?.size ? format.bytes(profile.size) : "";
}

/** Columns with their types, of MLflow's forms of a schema; of another one the schema as it is. */
function columnsOf(schema) {
  if (!schema) return null;
  const list = [schema, schema.mlflow_colspec, schema.mlflow_tensorspec?.features].find(Array.isArray);
  if (!list) return lazily("schema", () => (typeof schema === "object" ? tree(schema) : h("code", {}, schema)));
  const rows = list.map((one) => [one.name ?? "", one["tensor-spec"] ? `${one["tensor-spec"].dtype} ${one["tensor-spec"].shape.map((n) => (n < 0 ? "?" : n)).join(" × ")}` : one.type ?? JSON.stringify(one)]);
  return rows.length > 6 ? lazily(`${rows.length} columns`, () => pairs(rows)) : pairs(rows);
}

/** A model: what it takes and gives, how it is loaded, and where it is registered. */
export function model({ info }, versions) {
  const uri = `models:/${info.model_id}`;
  const signature = parsed(info.signature);
  const parts = signature && typeof signature === "object" ? ["inputs", "outputs", "params"].map((name) => [name, parsed(signature[name])]).filter(([, value]) => value) : [];
  const own = versions.filter((one) => one.model_id === info.model_id);
  return h("article", { class: "card" },
    h("p", { class: "strip" }, h("b", {}, info.name), h("span", { class: "dim" }, [(info.flavors ?? []).join(", ") || info.model_type, info.size ? format.bytes(info.size) : ""].filter(Boolean).join(", ")),
      info.digest ? h("code", { title: "digest" }, info.digest.slice(0, 16)) : null, state(info.status)),
    h("pre", { class: "one" }, `autotrack.pyfunc.load_model("${uri}")`),
    parts.map(([name, value]) => h("div", {}, h("h3", {}, name), columnsOf(value))),
    lazily("files", () => filesOf(info.model_id)),
    own.length ? pairs(own.map((one) => ["registered", registered(one)])) : null);
}

async function filesOf(id, path = "") {
  const found = await modelFiles(id, path);
  return h("ul", { class: "files" }, found.map((one) => h("li", {}, one.is_dir
    ? lazily(`${one.path.split("/").pop()}/`, () => filesOf(id, one.path))
    : [h("a", { href: modelFileAddress(id, one.path), download: one.path.split("/").pop() }, one.path.split("/").pop()), h("span", { class: "dim" }, ` ${format.bytes(one.file_size ?? 0)}`)])));
}

const state = (status) => (status && status !== "LOGGED_MODEL_READY" ? h("span", { class: "dim" }, status.replace("LOGGED_MODEL_", "").toLowerCase()) : null);

/** A version in the registry, by its name and number. */
export const registered = (version) =>
  link({ model: version.name, version: version.version }, `${version.name} version ${version.version}`, version.current_stage && version.current_stage !== "None" ? ` (${version.current_stage})` : null);
