// What may stand at a place of a filter.

import { text as quoted } from "../filter.js";
import { spelt } from "./columns.js";

const MOST = 50;
const TOKEN = /\s+|'(?:[^']|'')*'?|(?:\w+\s*\.\s*)?`(?:[^`]|``)*`?|"(?:[^"]|"")*"?|<=|>=|!=|[=<>(),]|[^\s'`"=<>!(),]+|!/gs;
const TIMES = ["'today'", "'yesterday'", "'last 7 days'", "'last 30 days'"];

/** The words before a place, the one that is being written there, and what is expected of it. */
export function placed(text, at) {
  const words = [...text.slice(0, at).matchAll(TOKEN)].map((found) => ({ text: found[0], at: found.index })).filter((one) => one.text.trim());
  const last = words.at(-1);
  const open = last && last.at + last.text.length === at && !/^[=<>!(),]+$/.test(last.text);
  const word = open ? words.pop() : { text: "", at };
  return { ...expected(words), word: word.text, from: word.at, to: at + (/^[^\s=<>!(),'`"]*/.exec(text.slice(at))?.[0].length ?? 0) };
}

function expected(words) {
  let [expects, field, depth] = ["field", "", 0];
  words.forEach(({ text }, n) => {
    const upper = text.toUpperCase();
    if (expects === "field") {
      if (text === "(" || upper === "NOT") return;
      if (words[n + 1]?.text === "(") depth = 1; // a reading, such as best(loss)
      field = text;
      expects = depth ? "key" : "operator";
    } else if (expects === "key") {
      field += text;
      if (text === ")") [expects, depth] = ["operator", 0];
    } else if (expects === "operator") {
      if (/^[=<>!]+$/.test(text) || ["LIKE", "ILIKE", "RLIKE", "BETWEEN"].includes(upper)) expects = "value";
      else if (upper === "IN") expects = "list";
      else if (upper === "IS") expects = "null";
    } else if (expects === "list" || expects === "listed") {
      expects = text === ")" ? "next" : "listed";
    } else if (expects === "value" || expects === "null") {
      if (upper !== "NOT") expects = "next";
    } else if (upper === "AND" || upper === "OR") expects = "field";
  });
  return { expects, field };
}

/** What may stand there: `{ text, says }`. `values(field)` promises the texts that a field has. */
export async function options({ expects, field, word }, { keys, grammar, values }) {
  if (expects === "field") return matching(fields(keys, grammar), word);
  if (expects === "key") return matching(keys.filter((one) => one.kind === "metrics").map((one) => ({ text: `${spelt("metrics", one.key)})`, says: "metric" })), word);
  if (expects === "operator") return matching(operators(field, grammar).map((text) => ({ text, says: "" })), word);
  if (expects === "null") return matching([{ text: "NULL" }, { text: "NOT NULL" }], word);
  if (expects === "next") return matching([{ text: "AND", says: "both" }, { text: "OR", says: "one of them" }], word);
  if (/^(start|end)_time$/.test(field)) return matching(TIMES.map((text) => ({ text, says: "" })), word);
  if (isNumber(field, grammar)) return [];
  const found = (await values(field).catch(() => [])).map((one) => ({ text: quoted(one), says: "" }));
  if (expects === "list") found.forEach((one) => { one.text = `(${one.text}`; });
  return matching(found, word);
}

const isNumber = (field, grammar) => grammar.numbers.includes(field) || field.startsWith("metrics.") || field.endsWith(")");

const operators = (field, grammar) =>
  [...(isNumber(field, grammar) ? grammar.of_numbers : field.startsWith("params.") ? [...new Set([...grammar.of_texts, ...grammar.of_numbers])] : grammar.of_texts), "IN", "BETWEEN", "IS NULL", "IS NOT NULL"];

function fields(keys, grammar) {
  const said = { metrics: "metric", params: "parameter", tags: "tag" };
  return [
    ...keys.map((one) => ({ text: spelt(one.kind, one.key), says: said[one.kind] })),
    ...[...grammar.texts, ...grammar.numbers].map((text) => ({ text, says: "of the run" })),
    ...keys.filter((one) => one.kind === "metrics").flatMap((one) =>
      grammar.readings.filter((reading) => reading !== "last" && (reading !== "best" || one.better)).map((reading) => ({ text: `${reading}(${spelt("metrics", one.key)})`, says: `${reading} value` }))),
  ];
}

/** Those that have a word in them, the ones that begin with it first. */
function matching(every, word) {
  const wanted = word.toLowerCase().replace(/^['(]+/, "");
  const rank = ({ text }) => {
    const own = text.toLowerCase().replace(/^['(]+/, "");
    return own.startsWith(wanted) ? 0 : own.split(/[.(]/).some((part) => part.startsWith(wanted)) ? 1 : own.includes(wanted) ? 2 : 3;
  };
  const found = every.map((one) => ({ ...one, rank: rank(one) })).filter((one) => one.rank < 3 && one.text !== word);
  return found.sort((a, b) => a.rank - b.rank).slice(0, MOST);
}
