// Which page is shown: the address says it. What the pages lead to is shown without loading them again.

import * as compare from "./compare.js";
import { h } from "./dom.js";
import * as run from "./run.js";
import * as runs from "./runs.js";

const LIVE_MS = 5000;
let shown = 0;
let timer = 0;

const pageOf = (query) => (query.has("run") ? run : query.has("compare") ? compare : runs);

/** Show what the address names. While something of it runs, look again from time to time, without moving anything. */
async function show({ again = false } = {}) {
  const mine = ++shown;
  clearTimeout(timer);
  const main = document.getElementById("main");
  const query = new URLSearchParams(location.search);
  main.setAttribute("aria-busy", "true");
  let page;
  try {
    page = await pageOf(query).page(query);
  } catch (error) {
    page = { title: "error", trail: [], content: [h("section", {}, h("h1", {}, "This cannot be shown"), h("pre", { class: "error", role: "alert" }, error.message))] };
  }
  if (mine !== shown) return;
  if (again && (document.querySelector("main details[open], main input:checked") || document.getSelection()?.toString())) {
    timer = setTimeout(() => show({ again: true }), LIVE_MS); // somebody is at work there
    return;
  }
  const place = scrollY;
  document.title = `${page.title} · autotrack`;
  document.getElementById("trail").replaceChildren(...page.trail.flatMap((one) => [" / ", one]).slice(1));
  main.replaceChildren(...page.content.filter(Boolean));
  main.setAttribute("aria-busy", "false");
  scrollTo(0, again ? place : 0);
  if (page.live) timer = setTimeout(() => show({ again: true }), LIVE_MS);
}

function go(address) {
  history.pushState(null, "", address);
  show();
}

addEventListener("popstate", () => show());
addEventListener("go", (event) => go(event.detail));
addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else show({ again: true });
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || link.origin !== location.origin || link.hasAttribute("download") || link.pathname !== "/") return;
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.href);
});

const theme = document.getElementById("theme");
const dress = (wanted) => wanted && document.documentElement.setAttribute("data-theme", wanted);
dress(localStorage.getItem("theme"));
theme.addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
  const wanted = dark ? "light" : "dark";
  localStorage.setItem("theme", wanted);
  dress(wanted);
  show({ again: true });
});

show();
