// One run: what was trained on which data, how it went, and all that it left behind.

import * as api from "../api.js";
import { chart, grouped } from "../chart/curves.js";
import { address, h, link, pairs, section } from "../dom.js";
import * as format from "../format.js";

const TEXTS = /\.(txt|log|json|jsonl|csv|tsv|ya?ml|toml|md|py|diff|html|xml|ini|cfg)$/i;
const PICTURES = /\.(png|jpe?g|gif|webp)$/i;
const SYSTEM = "system/";

export async function page(query) {
  const run = await api.run(query.get("run"));
  const options = { axis: query.get("axis") === "time" ? "time" : "step", log: query.has("log") };
  const telling = [...run.metrics.keys()].filter((key) => !key.startsWith(SYSTEM));
  const machine = [...run.metrics.keys()].filter((key) => key.startsWith(SYSTEM));
  const [models, files] = await Promise.all([Promise.all(run.models.map(api.model)), api.files(run.id)]);
  return {
    title: run.name || run.id.slice(0, 8),
    trail: [link({}, "runs"), run.name || run.id.slice(0, 8)],
    live: run.status === "RUNNING",
    content: [
      head(run),
      run.error ? section("What went wrong", h("pre", { class: "error" }, run.error)) : null,
      section("Curves", switches(query, options), curves(run, telling, options)),
      columns(
        section("Metrics", pairs(telling.sort().map((key) => [key, format.number(run.metrics.get(key))]))),
        section("Parameters", pairs([...run.params].sort().map(([key, value]) => [key, value, revised(run, key)]))),
      ),
      section("Data", pairs(run.inputs.map(data))),
      section("Models", models.map(model)),
      context(run),
      section("Files", listing(run.id, files)),
      section("Tags", pairs([...run.tags].filter(([key]) => !/^(mlflow|autotrack)\./.test(key)).sort())),
      machine.length
        ? h("details", {}, h("summary", {}, "The machine"), h("div", { class: "charts" }, machine.sort().map((key) =>
            chart(key.slice(SYSTEM.length), [{ run: run.id, key, label: key.slice(SYSTEM.length) }], { axis: "time" }))))
        : null,
    ],
  };
}

const columns = (...parts) => (parts.some(Boolean) ? h("div", { class: "columns" }, parts.filter(Boolean)) : null);

function head(run) {
  const tag = (key) => run.tags.get(key) ?? "";
  const commit = tag("mlflow.source.git.commit").slice(0, 10);
  const rows = [
    ["run", h("code", {}, run.id)],
    ["started", `${format.moment(run.start)} (${format.ago(run.start)})`],
    ["took", format.took(run)],
    ["user", run.user],
    ["source", tag("mlflow.source.name")],
    ["commit", commit && `${commit}${tag("autotrack.git.dirty") === "true" ? ", changed" : ""}`],
    ["started by", tag("autotrack.launcher")],
    ["segments", tag("autotrack.segments")],
    ["repeats", tag("autotrack.reproduces") && link({ run: tag("autotrack.reproduces") }, tag("autotrack.reproduces").slice(0, 8))],
    ["part of", tag("mlflow.parentRunId") && link({ run: tag("mlflow.parentRunId") }, tag("mlflow.parentRunId").slice(0, 8))],
    ["again", h("code", {}, `autotrack reproduce ${run.id.slice(0, 8)}`)],
  ];
  return h("section", {}, h("h1", {}, run.name || "run", " ", h("span", { class: `status ${run.status}` }, run.status.toLowerCase())),
    pairs(rows.filter(([, value]) => value)));
}

function switches(query, options) {
  const turned = (name, value) => {
    const next = new URLSearchParams(query);
    if (value === null) next.delete(name);
    else next.set(name, value);
    return address(Object.fromEntries(next));
  };
  return h("p", { class: "switches" },
    h("a", { href: turned("axis", options.axis === "time" ? null : "time") }, options.axis === "time" ? "by step" : "by time"),
    h("a", { href: turned("log", options.log ? null : "1") }, options.log ? "linear" : "logarithmic"),
    h("span", { class: "dim" }, "drag to zoom, double click for all"));
}

function curves(run, keys, options) {
  const groups = [...grouped(keys)].filter(([name]) => !name.startsWith("step/"));
  return groups.length
    ? h("div", { class: "charts" }, groups.map(([name, some]) =>
        chart(name, some.map((key) => ({ run: run.id, key, label: key })), options)))
    : null;
}

function revised(run, key) {
  try {
    const values = JSON.parse(run.tags.get(`autotrack.revisions.${key}`) ?? "null");
    return values ? values.slice(1).map(([at, value]) => `${value} from ${format.moment(at)}`).join(", ") : null;
  } catch {
    return null;
  }
}

function data({ dataset, tags }) {
  const role = (tags ?? []).find((one) => one.key === "mlflow.data.context")?.value ?? "";
  return [dataset.name, role, h("code", {}, dataset.digest)];
}

function model({ info }) {
  const uri = `models:/${info.model_id}`;
  return h("p", {}, h("b", {}, info.name), " ", h("code", {}, `autotrack.pyfunc.load_model("${uri}")`));
}

function context(run) {
  const files = [["changes.diff", "the code's difference from the commit"], ["launch.json", "how it was started"],
    ["environment.json", "what it ran on"], ["packages.json", "installed distributions"]];
  const home = run.tags.get("autotrack.context") || run.id;
  return h("details", {}, h("summary", {}, "Code, environment and launch"),
    files.map(([name, what]) => unfolded(`${name}: ${what}`, home, `context/${name}`)));
}

function listing(id, files) {
  return h("ul", { class: "files" }, files.filter((one) => one.path !== "context").map((one) => entry(id, one)));
}

function entry(id, { path, is_dir: directory, file_size: size }) {
  const name = path.split("/").pop();
  if (directory) {
    const inside = h("div", {});
    const opened = async (event) => {
      if (!event.target.open || inside.hasChildNodes()) return;
      inside.append(listing(id, await api.files(id, path)));
    };
    return h("li", {}, h("details", { ontoggle: opened }, h("summary", {}, `${name}/`), inside));
  }
  const here = h("a", { href: api.fileAddress(id, path), download: name }, name);
  const size_ = h("span", { class: "dim" }, ` ${format.bytes(size ?? 0)} `);
  if (PICTURES.test(name)) return h("li", {}, here, size_, picture(id, path));
  return h("li", {}, here, size_, TEXTS.test(name) ? unfolded("look", id, path) : null);
}

function picture(id, path) {
  return h("details", {}, h("summary", {}, "look"), h("img", { src: api.fileAddress(id, path), alt: path, loading: "lazy" }));
}

/** A file's text, fetched when it is unfolded. */
function unfolded(title, id, path) {
  const inside = h("pre", {});
  const opened = async (event) => {
    if (!event.target.open || inside.textContent) return;
    try {
      inside.textContent = (await api.text(id, path)) || "empty";
    } catch {
      inside.textContent = "not recorded";
    }
  };
  return h("details", { ontoggle: opened }, h("summary", {}, title), inside);
}
