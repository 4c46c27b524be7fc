// One version of a registered model: what it is, where it came from, and where it may go.

import { readOnly } from "../changing.js";
import { h, link, pairs, section } from "../dom.js";
import { ago, bytes, moment, number } from "../format.js";
import * as asking from "./asking.js";
import { changes } from "./moving.js";
import { chip, description, placesOf, tags } from "./parts.js";
import { signature } from "./signature.js";
import { history } from "./words.js";

export async function seen(query, allowed, again) {
  const [name, number_] = [query.get("model"), query.get("version")];
  const [found, model, log] = await Promise.all([asking.lineage(name, number_), asking.model(name), asking.history(name)]);
  const version = found.model_version;
  const own = log.filter((one) => one.version === version.version || one.archived?.includes(version.version)
    || (one.kind === "alias" && one.before === version.version));
  return {
    title: `${name} ${version.version}`,
    trail: [h("a", { href: "/?models" }, "models"), link({ model: name }, name), `version ${version.version}`],
    content: [
      h("h1", {}, `${name} `, h("span", { class: "dim" }, `version ${version.version} `), placesOf(version).map((one) => [chip(one), " "]).flat()),
      allowed.read_only ? readOnly() : section("Where it goes", changes(version, model, allowed, again)),
      h("div", { class: "beside" },
        section("Where it came from", origin(found)),
        section("How it is loaded", loading(version)),
        section("Metrics", pairs(Object.entries(found.metrics).map(([key, value]) => [key, number(Number(value))]))),
        section("Data", data(found.data)),
        section("Signature", signature(version.signature)),
        section("Description", description(name, version.version, version.description, allowed, again)),
        section("Tags", tags(name, version.version, version.tags ?? [], allowed, again))),
      folded("Parameters", found.params),
      folded("Packages", found.environment),
      section("History", history(own, name)),
    ].flat(),
  };
}

/** The run, the code and the logged model that it was made of. */
function origin({ model_version: version, run, code, model, siblings }) {
  const made = Number(version.creation_timestamp);
  const shown = (uri) => {
    const [, name, number_] = /^models:\/(.+)\/(\d+)$/.exec(uri);
    return [link({ model: name, version: number_ }, `${name} ${number_}`), " "];
  };
  return pairs([
    ["registered", `${moment(made)} (${ago(made)})${version.user_id ? ` by ${version.user_id}` : ""}`],
    ["run", run ? link({ run: run.run_id }, run.run_name || run.run_id.slice(0, 8)) : version.run_id ? `${version.run_id.slice(0, 8)}, which is gone` : null],
    ["trained by", run?.user_id],
    ["program", code.program], ["commit", code.commit?.slice(0, 10)], ["branch", code.branch],
    ["source", version.source && h("code", {}, version.source)],
    ["logged model", model && `${model.name}${model.size ? `, ${bytes(model.size)}` : ""}${model.flavors?.length ? `, ${model.flavors.join(", ")}` : ""}`],
    ["digest", version.digest && h("code", { title: version.digest }, version.digest.slice(0, 16))],
    ["same content", siblings?.length ? siblings.map(shown).flat() : null],
  ].filter(([, value]) => value).map(([key, value]) => [key, Array.isArray(value) ? h("span", {}, value) : value]));
}

const data = (sets) => pairs((sets ?? []).map((one) => [one.context || "data", one.name, h("code", {}, one.digest)]));

function loading(version) {
  const alias = version.aliases?.[0];
  const uris = [`models:/${version.name}/${version.version}`, ...(alias ? [`models:/${version.name}@${alias}`] : [])];
  return [h("pre", {}, uris.map((uri) => `autotrack.pyfunc.load_model(${JSON.stringify(uri)})`).join("\n")),
    h("p", { class: "dim" }, "or ", h("code", {}, `autotrack models serve ${uris[0]}`))];
}

/** Names and values that are looked at now and then. */
function folded(title, facts) {
  const known = Object.entries(facts ?? {});
  return known.length ? h("details", {}, h("summary", {}, `${title} (${known.length})`), pairs(known)) : null;
}
