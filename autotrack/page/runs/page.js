// The table of runs: searched, sorted and paged by the server; what one sees is in the address.

import * as api from "../api.js";
import { address, go, h, link } from "../dom.js";
import * as format from "../format.js";

const PAGE = 100;
const MOST_METRICS = 5;
const MOST_PARAMS = 6;

export async function page(query) {
  const experiments = await api.experiments();
  const names = new Map(experiments.map((one) => [one.experiment_id, one.name]));
  const wanted = query.getAll("e").filter((id) => names.has(id));
  const ids = wanted.length ? wanted : [...names.keys()];
  const asked = { where: query.get("where") ?? "", order: query.get("sort") ? [query.get("sort")] : [], limit: PAGE };
  let found = { runs: [], next: undefined };
  let error = "";
  try {
    if (ids.length) found = await api.runs(ids, asked);
  } catch (failure) {
    error = failure.message;
  }
  const content = error || found.runs.length || asked.where || wanted.length
    ? [form(query, experiments, wanted, error), error ? null : new Rows(query, names, ids, asked, found).element]
    : [empty()];
  return { title: "runs", trail: ["runs"], live: found.runs.some((run) => run.status === "RUNNING"), content };
}

function empty() {
  return h("section", {}, h("h1", {}, "No run yet"),
    h("p", {}, "Record one without changing a program:"), h("pre", {}, "autotrack run train.py"),
    h("p", {}, "or from within it:"), h("pre", {}, "import autotrack\nautotrack.autolog()"));
}

function form(query, experiments, wanted, error) {
  const field = h("input", {
    type: "search", name: "where", value: query.get("where") ?? "", autocomplete: "off", spellcheck: "false",
    placeholder: "best(val/loss) < 0.3 AND params.lr < 0.01", "aria-label": "Filter", "aria-invalid": error ? "true" : null,
    "aria-describedby": error ? "error" : null,
  });
  const choice = h("select", { name: "e", "aria-label": "Experiment" },
    h("option", { value: "" }, "all experiments"),
    experiments.map((one) => h("option", { value: one.experiment_id, selected: wanted.includes(one.experiment_id) }, one.name)));
  const changed = (event) => {
    event?.preventDefault();
    const next = { ...Object.fromEntries(query), where: field.value.trim(), e: choice.value };
    go(next);
  };
  choice.addEventListener("change", changed);
  return h("form", { class: "filter", role: "search", onsubmit: changed }, choice, field, h("button", {}, "Filter"),
    error ? h("pre", { id: "error", class: "error", role: "alert" }, error) : null);
}

/** The rows that are loaded, more of them as one scrolls, and the columns that tell them apart. */
class Rows {
  constructor(query, names, ids, asked, { runs, next }) {
    Object.assign(this, { query, names, ids, asked, runs, next, chosen: new Set() });
    this.columns = columnsOf(runs, query.get("columns"));
    this.body = h("tbody", {}, runs.map((run) => this.row(run)));
    this.compare = h("button", { type: "button", disabled: true, onclick: () => this.go() }, "Compare");
    this.count = h("span", { class: "dim" });
    this.end = h("p", { class: "dim" });
    this.element = h("div", {},
      h("p", { class: "actions" }, this.compare, this.picker(), this.count),
      h("div", { class: "wide" }, h("table", { class: "runs" }, h("thead", {}, this.heads()), this.body)),
      this.end);
    this.watch();
    this.tell();
  }

  heads() {
    const fixed = [["name", "run_name"], ["state", "status"], ["started", "start_time"], ["took", "duration"]];
    return h("tr", {}, h("td", {}), [...fixed, ...this.columns.map((one) => [one.title, one.field])].map(([title, field]) => {
      const [sorted, way] = [`${field} DESC`, `${field} ASC`];
      const now = this.query.get("sort");
      const next = now === sorted ? way : sorted;
      const mark = now === sorted ? " ↓" : now === way ? " ↑" : "";
      const href = address({ ...Object.fromEntries(this.query), sort: next });
      return h("th", { scope: "col", "aria-sort": now === sorted ? "descending" : now === way ? "ascending" : null },
        h("a", { href }, title, mark));
    }));
  }

  row(run) {
    const tick = h("input", { type: "checkbox", "aria-label": `Choose ${run.name}`, checked: this.chosen.has(run.id), onchange: () => {
      this.chosen[tick.checked ? "add" : "delete"](run.id);
      this.tell();
    } });
    return h("tr", {}, h("td", {}, tick),
      h("td", {}, link({ run: run.id }, run.name || run.id.slice(0, 8)), " ", h("span", { class: "dim" }, run.id.slice(0, 6))),
      h("td", {}, h("span", { class: `status ${run.status}` }, run.status.toLowerCase())),
      h("td", { title: format.moment(run.start) }, format.ago(run.start)), h("td", { class: "number" }, format.took(run)),
      this.columns.map((one) => h("td", { class: one.kind === "metrics" ? "number" : null, title: one.of(run) }, one.of(run))));
  }

  picker() {
    const known = [...new Set(this.columns.map((one) => one.name))];
    const every = candidates(this.runs);
    const boxes = every.map((one) => h("label", {}, h("input", { type: "checkbox", value: one.name, checked: known.includes(one.name) }), " ", one.name));
    const apply = () => {
      const names = boxes.map((one) => one.firstChild).filter((one) => one.checked).map((one) => one.value);
      go({ ...Object.fromEntries(this.query), columns: names.join(",") || "-" });
    };
    return h("details", { class: "picker" }, h("summary", {}, "Columns"), h("div", {}, boxes, h("button", { type: "button", onclick: apply }, "Show")));
  }

  tell() {
    this.compare.disabled = this.chosen.size < 2;
    this.compare.textContent = this.chosen.size ? `Compare ${this.chosen.size}` : "Compare";
    this.count.textContent = `${this.runs.length}${this.next ? " and more" : ""} runs`;
    this.end.textContent = this.next ? "…" : this.runs.length ? "" : "No run fits the filter.";
  }

  go() {
    go({ compare: [...this.chosen].join(",") });
  }

  watch() {
    const seen = new IntersectionObserver(async (entries) => {
      if (!this.next || this.loading || !entries.some((one) => one.isIntersecting)) return;
      this.loading = true;
      const { runs, next } = await api.runs(this.ids, { ...this.asked, token: this.next });
      this.runs.push(...runs);
      this.next = next;
      this.body.append(...runs.map((run) => this.row(run)));
      this.loading = false;
      this.tell();
      seen.unobserve(this.end);
      seen.observe(this.end); // it may still be in sight
    }, { rootMargin: "600px" });
    seen.observe(this.end);
  }
}

/** All that could be a column, the most telling first. */
function candidates(runs) {
  const count = (map) => {
    const found = new Map();
    for (const run of runs) for (const key of map(run).keys()) found.set(key, (found.get(key) ?? 0) + 1);
    return [...found].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([key]) => key);
  };
  const varies = (key) => new Set(runs.map((run) => run.params.get(key))).size > 1;
  const metrics = count((run) => run.metrics).filter((key) => !/^(system|step)\//.test(key));
  const params = count((run) => run.params).sort((a, b) => varies(b) - varies(a));
  return [...metrics.map((key) => column("metrics", key)), ...params.map((key) => ({ ...column("params", key), varies: varies(key) }))];
}

function column(kind, key) {
  const quoted = /^[\w./-]+$/.test(key) ? key : `\`${key.replaceAll("`", "``")}\``;
  const of = kind === "metrics" ? (run) => format.number(run.metrics.get(key)) : (run) => run.params.get(key) ?? "";
  return { kind, title: key, name: `${kind}.${key}`, field: `${kind}.${quoted}`, of };
}

function columnsOf(runs, chosen) {
  const every = candidates(runs);
  if (chosen) {
    const names = chosen.split(",");
    return names.flatMap((name) => every.find((one) => one.name === name) ?? []);
  }
  const metrics = every.filter((one) => one.kind === "metrics").slice(0, MOST_METRICS);
  const params = every.filter((one) => one.kind === "params" && (one.varies || runs.length === 1)).slice(0, MOST_PARAMS);
  return [...metrics, ...params];
}
