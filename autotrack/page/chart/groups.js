// Which metrics belong into one chart, and which charts below one heading.

const PACE = /(seconds|_time|per_second)$/;
const ROLE = /^(train|training|val|valid|validation|eval|test)[/_-](.+)$/;

/** The charts of some metrics: those of training, validation and test of the same thing are one. The most telling first. */
export function grouped(keys) {
  const groups = new Map();
  for (const key of [...keys].sort()) {
    const name = ROLE.exec(key)?.[2] ?? key;
    groups.set(name, [...(groups.get(name) ?? []), key]);
  }
  return new Map([...groups].sort((a, b) => rank(a) - rank(b)));
}

const LAST = ["step", "pace", "system"]; // families that one looks at last

/** The same by what stands before their last slash, those of how long the work took under "pace"; the rest first, under "". */
export function families(keys) {
  const found = new Map([["", new Map()]]);
  for (const [name, some] of grouped(keys)) {
    const family = name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : PACE.test(name) ? "pace" : "";
    if (!found.has(family)) found.set(family, new Map());
    found.get(family).set(name, some);
  }
  if (!found.get("").size) found.delete("");
  return new Map([...found].sort(([a], [b]) => LAST.indexOf(a) - LAST.indexOf(b)));
}

function rank([name, some]) {
  if (/loss/.test(name)) return 0;
  if (some.length > 1) return 1;
  if (/acc|auc|f1|score|error|rmse|mae|r2/.test(name)) return 2;
  return /second|time|memory|grad|lr$/.test(name) ? 4 : 3;
}
