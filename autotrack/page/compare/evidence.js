// Confusion matrices and ROC curves side by side: drawn from what a fit left as data, else the pictures that it left.

import * as api from "../api.js";
import { colour, dot } from "../chart/plot.js";
import { h, link, note, svg } from "../dom.js";
import { number } from "../format.js";
import { choice } from "./figure.js";

const FILE = "training_evidence.json";
const PICTURE = /(confusion_matrix|roc_curve).*\.(png|jpe?g|webp|gif)$/i;
const MOST = 12;
const MOST_BYTES = 4_000_000;

export async function evidence(frame, query) {
  const found = (await Promise.all(frame.ids.slice(0, MOST).map((id, n) => ofRun(id, frame.names[n], n)))).filter(Boolean);
  const matrices = found.filter((one) => one.matrix);
  const curves = found.filter((one) => one.curves.length);
  const pictures = found.filter((one) => one.pictures.length);
  if (!matrices.length && !curves.length && !pictures.length) return null;
  return [
    matrices.length ? h("div", { class: "evidence" }, matrices.map(confusion)) : null,
    curves.length ? receiver(curves, query) : null,
    pictures.length ? h("div", { class: "evidence" }, pictures.flatMap((run) => run.pictures.map((path) => h("figure", {}, caption(run, path), h("img", { src: api.fileAddress(run.id, path), alt: path, loading: "lazy" }))))) : null,
  ].filter(Boolean);
}

async function ofRun(id, name, n) {
  let files = [];
  try {
    files = (await api.files(id)).map((one) => one.path);
  } catch {
    return null; // they are not with this server
  }
  const known = files.includes(FILE) ? await parsed(id) : {};
  const matrix = known.confusion_matrix?.counts?.length ? known.confusion_matrix : null;
  const curves = Array.isArray(known.roc_curve) ? known.roc_curve : [];
  const drawn = [matrix && "confusion_matrix", curves.length && "roc_curve"].filter(Boolean);
  const pictures = files.filter((path) => PICTURE.test(path) && !drawn.some((one) => path.includes(one)));
  return { id, name, n, matrix, curves, pictures };
}

async function parsed(id) {
  try {
    return JSON.parse(await api.text(id, FILE, MOST_BYTES)) ?? {};
  } catch {
    return {};
  }
}

const caption = (run, what) =>
  h("figcaption", {}, dot(run.n), " ", link({ run: run.id }, run.name), h("span", { class: "dim" }, ` ${what}`));

/** Rows are the true classes; a cell is as dark as its share of the row. */
function confusion(run) {
  const { labels, counts } = run.matrix;
  const right = counts.reduce((sum, row, n) => sum + row[n], 0);
  const all = counts.flat().reduce((a, b) => a + b, 0);
  return h("figure", {}, caption(run, `${number(right)} of ${number(all)} right`), h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `Confusion matrix of ${run.name}` },
    h("table", { class: "heat matrix" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "corner" }, "true ↓ said →"), labels.map((label) => h("th", { scope: "col" }, String(label))))),
      h("tbody", {}, counts.map((row, n) => {
        const sum = row.reduce((a, b) => a + b, 0) || 1;
        return h("tr", {}, h("th", { scope: "row" }, String(labels[n])), row.map((count, k) => {
          const cell = h("td", { class: k === n ? "right" : "wrong" }, number(count));
          cell.style.setProperty("--share", `${Math.round((100 * count) / sum)}%`);
          return cell;
        }));
      })))));
}

const SIZE = 300;

/** The curves of every run over one another, for one class. */
function receiver(runs, query) {
  const classes = [...new Set(runs.flatMap((run) => run.curves.map((one) => String(one.class))))];
  let chosen = classes.includes(query.get("class")) ? query.get("class") : classes[0];
  const figure = h("figure", { class: "roc" });
  const fill = () => {
    const shown = runs.flatMap((run) => run.curves.filter((one) => String(one.class) === chosen).map((curve) => ({ run, curve })));
    const at = (x, y) => `${(30 + x * (SIZE - 40)).toFixed(1)} ${(SIZE - 30 - y * (SIZE - 40)).toFixed(1)}`;
    const path = ({ false_positive_rate: x, true_positive_rate: y }) => `M${x.map((_, n) => at(x[n], y[n])).join("L")}`;
    figure.replaceChildren(h("figcaption", {}, `ROC curves, class ${chosen}`),
      svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": `ROC curves of ${shown.length} runs, class ${chosen}` },
        svg("g", { class: "axes" }, svg("path", { d: `M${at(0, 1)}L${at(0, 0)}L${at(1, 0)}` }), svg("path", { d: `M${at(0, 0)}L${at(1, 1)}`, class: "chance" }),
          [0, 0.5, 1].map((one) => [svg("text", { x: at(one, 0).split(" ")[0], y: SIZE - 14, "text-anchor": "middle" }, number(one)),
            svg("text", { x: 24, y: Number(at(0, one).split(" ")[1]) + 4, "text-anchor": "end" }, number(one))]).flat(),
          svg("text", { x: SIZE / 2, y: SIZE - 1, "text-anchor": "middle", class: "name" }, "false positive rate")),
        shown.map(({ run, curve }) => svg("path", { d: path(curve), class: "curve", stroke: colour(run.n) }))),
      h("ul", { class: "areas" }, shown.toSorted((a, b) => b.curve.area - a.curve.area).map(({ run, curve }) =>
        h("li", {}, dot(run.n), " ", link({ run: run.id }, run.name), ` area ${number(curve.area)}`))));
  };
  fill();
  const picker = classes.length > 1 ? h("p", { class: "choices" }, choice("class", classes.map((name) => ({ name, key: name })), chosen, (name) => {
    chosen = name;
    note({ class: name });
    fill();
  })) : null;
  return h("div", {}, picker, figure);
}
