// How the program was started, on what it ran, and with which packages.

import { h, pairs } from "../dom.js";
import { bytes } from "../format.js";
import { fact } from "./asking.js";

/** The command, the machine and the settings that it ran with. */
export async function environment(run) {
  const [launch, facts] = await Promise.all([fact(run, "launch.json"), fact(run, "environment.json")]);
  if (!launch && !facts) return null;
  const { python, cpu, memory, gpus, driver, platform } = facts ?? {};
  const list = (values) => Object.entries(values ?? {}).map(([name, value]) => [name, plain(value)]);
  return [
    pairs([
      ["command", launch?.command && h("code", {}, launch.command.join(" "))], ["in", launch?.directory], ["host", launch?.host],
      ["started by", Object.keys(launch?.launchers ?? {}).join(", ")],
      ["Python", python && [python.implementation, python.version].filter(Boolean).join(" ")],
      ["platform", platform && plain([platform.system, platform.release, platform.machine, platform.libc].filter(Boolean).join(", "))],
      ["processors", cpu && [cpu.usable && `${cpu.usable} usable`, cpu.model].filter(Boolean).join(", ")],
      ["memory", memory?.total && bytes(memory.total)],
      ["GPUs", gpus?.length ? gpus.map((one) => one.name ?? "?").join(", ") : null], ["driver", plain(driver)],
    ].filter(([, value]) => value)),
    ...[["Variables", launch?.environment], ...Object.entries(launch?.libraries ?? {})].map(([title, values]) =>
      list(values).length ? h("details", {}, h("summary", {}, title), pairs(list(values))) : null),
  ];
}

const plain = (value) => (value === null || value === undefined ? "" : Array.isArray(value) ? value.map(plain).join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value));

/** All installed distributions, those that the program has imported first; what is typed narrows them. */
export async function packages(run) {
  const [every, launch] = await Promise.all([fact(run, "packages.json"), fact(run, "launch.json")]);
  const imported = new Map(Object.entries(launch?.imported ?? {}));
  const all = (every ?? []).map(({ name, version, url, commit, editable }) => ({
    name, version: imported.get(name) ?? version, imported: imported.has(name), from: [url, commit, editable && "editable"].filter(Boolean).join(" "),
  }));
  if (!all.length && !imported.size) return null;
  const known = all.length ? all : [...imported].map(([name, version]) => ({ name, version, imported: true, from: "" }));
  known.sort((a, b) => b.imported - a.imported || a.name.localeCompare(b.name));
  const body = h("tbody", {});
  const count = h("span", { class: "dim", "aria-live": "polite" });
  const show = (part) => {
    const found = known.filter((one) => one.name.toLowerCase().includes(part.toLowerCase()));
    count.textContent = `${found.length} of ${known.length}, ${imported.size} imported`;
    body.replaceChildren(...found.map((one) => h("tr", {}, h("th", { scope: "row" }, one.name), h("td", {}, one.version),
      h("td", {}, one.imported ? "imported" : ""), h("td", { class: "dim" }, one.from))));
  };
  const field = h("input", { type: "search", placeholder: "part of a name", "aria-label": "Packages", oninput: () => show(field.value) });
  show("");
  return [h("p", { class: "strip" }, field, count), h("div", { class: "tall" }, h("table", { class: "pairs" }, body))];
}
