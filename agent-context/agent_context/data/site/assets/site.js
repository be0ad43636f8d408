// What every page can do: copy, keys with their help, the theme; it brings in what else a page asks for by data-ac.

import { icon, make, root } from "./dom.js";
import { permalink } from "./rows.js";

const PARTS = { explorer: "./explorer.js", filters: "./cards.js", graph: "./graph.js" };
const COPY =
  "M19 21H8V7h11m0-2H8a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V7a2 2 0 0 0-2-2m-3-4H4a2 2 0 0 0-2 2v14h2V3h12z";
const LINK =
  "M10.6 13.4a1 1 0 0 1-1.4 1.4 5 5 0 0 1 0-7.1l3.5-3.5a5 5 0 0 1 7.1 7.1l-1.5 1.5a6.8 6.8 0 0 0-.4-2.4l.5-.5a3 3 0 0 0-4.3-4.3l-3.5 3.5a3 3 0 0 0 0 4.3m2.8-4.3a1 1 0 0 1 1.4 0 5 5 0 0 1 0 7.1l-3.5 3.5a5 5 0 0 1-7.1-7.1l1.5-1.5c0 .8.1 1.6.4 2.4l-.5.5a3 3 0 0 0 4.3 4.3l3.5-3.5a3 3 0 0 0 0-4.3 1 1 0 0 1 0-1.4";
const GRAPH =
  "M19 18.5a1.5 1.5 0 0 1-2.5 1.1l-7.6-3.8a2.5 2.5 0 1 1 0-3.6l7.6-3.8a2.5 2.5 0 1 1 .9 1.8L9.8 14a3 3 0 0 1 0 .5l7.6 3.6A1.5 1.5 0 0 1 19 18.5";
const OFF = "agent-context.keys"; // in localStorage: "off" once somebody has switched the keys off

const visible = (selector) => [...document.querySelectorAll(selector)].filter((each) => each.offsetParent);
const cards = () => visible(".ac-card, .ac-hit, .ac-row");
let current = null;

/** Return the Markdown of what a learning's card says, from its nodes. */
function markdown(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  const inner = [...node.childNodes].map(markdown).join("");
  const marks = {
    CODE: ["`", "`"],
    STRONG: ["**", "**"],
    EM: ["*", "*"],
    LI: ["- ", "\n"],
    P: ["", "\n\n"],
    PRE: ["```\n", "\n```\n\n"],
  };
  if (node.tagName === "CODE" && node.parentElement.tagName === "PRE") return inner.trimEnd();
  if (node.tagName === "BLOCKQUOTE") return `${inner.trim().replace(/^/gm, "> ")}\n\n`;
  const [before, after] = marks[node.tagName] ?? ["", ""];
  return before + inner + after;
}

function tell(words) {
  const place = document.querySelector(".ac-told") ?? make("p", { class: "ac-told", role: "status" });
  document.body.append(place);
  place.textContent = words;
  clearTimeout(tell.waiting);
  tell.waiting = setTimeout(() => place.replaceChildren(), 2500);
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    tell(`${what} copied`);
  } catch {
    tell("The browser did not let this page copy");
  }
}

const copyLink = (card) => copy(permalink(card.dataset.id), "Link");

function copyWords(card) {
  const parts = [".ac-claim", ".ac-why"].map((part) => card.querySelector(part)).filter(Boolean);
  copy(`${parts.map((part) => markdown(part).trim()).join("\n\n")}\n`, "Learning");
}

/** Give a card its buttons. */
function equip(card) {
  const claim = card.querySelector(".ac-claim")?.textContent ?? card.dataset.id;
  const button = (label, path, action) =>
    make(
      "button",
      { type: "button", title: label, "aria-label": `${label}: ${claim}`, click: () => action(card) },
      icon(path),
    );
  card.querySelector(".ac-actions")?.append(
    button("Copy as Markdown", COPY, copyWords),
    button("Copy the link", LINK, copyLink),
    make(
      "a",
      {
        href: new URL(`graph/?at=${encodeURIComponent(`learning ${card.dataset.id}`)}`, root).href,
        title: "Show in the graph",
        "aria-label": `Show in the graph: ${claim}`,
      },
      icon(GRAPH),
    ),
  );
}

function step(by) {
  const all = cards();
  if (!all.length) return;
  const at = all.indexOf(current);
  current?.classList.remove("ac-current");
  current = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  current.classList.add("ac-current");
  const target = current.matches("a") ? current : current.querySelector("a, summary, button");
  target?.focus({ preventScroll: true });
  current.scrollIntoView({ block: "nearest" });
}

const here = () => document.activeElement?.closest?.(".ac-card") ?? (current?.matches(".ac-card") ? current : null);
const proofs = () => visible("details.ac-proof");

/** Open all evidence, or close it if all is open. */
function unfold() {
  const open = proofs().some((proof) => !proof.open);
  for (const proof of proofs()) proof.open = open;
}

const go = (path) => () => location.assign(new URL(path, root));

function focusSearch() {
  const field = visible("[data-ac-find]")[0];
  if (!field) return false;
  field.focus();
  field.select();
  return true;
}

const toggleTheme = () => document.querySelector("[data-md-component=palette] label:not([hidden])")?.click();
const opener = () => here()?.querySelector("details.ac-proof");

const KEYS = {
  "/": ["Search", focusSearch],
  j: ["Next learning", () => step(1)],
  k: ["Learning before", () => step(-1)],
  e: ["Open or close its evidence", () => opener()?.toggleAttribute("open")],
  E: ["Open or close all evidence", unfold],
  c: ["Copy it as Markdown", () => here() && copyWords(here())],
  l: ["Copy its link", () => here() && copyLink(here())],
  t: ["Light or dark", toggleTheme],
  "g h": ["Go home", go("./")],
  "g e": ["Go to the explorer", go("explore/")],
  "g p": ["Go to the projects", go("projects/")],
  "g g": ["Go to the graph", go("graph/")],
  "?": ["Show these keys", () => help().showModal()],
};

function help() {
  const there = document.querySelector("dialog.ac-help");
  if (there) return there;
  const rows = Object.entries(KEYS).map(([keys, [what]]) =>
    make(
      "tr",
      {},
      make("td", {}, ...keys.split(" ").flatMap((key, place) => [place ? " then " : "", make("kbd", {}, key)])),
      make("td", {}, what),
    ),
  );
  const on = make("input", { type: "checkbox", change: () => localStorage.setItem(OFF, on.checked ? "on" : "off") });
  on.checked = localStorage.getItem(OFF) !== "off";
  const dialog = make(
    "dialog",
    { class: "ac-help md-typeset", "aria-labelledby": "ac-help-title" },
    make("h2", { id: "ac-help-title" }, "Keys"),
    make("table", {}, make("tbody", {}, ...rows)),
    make("label", {}, on, " Keys of one letter are on"),
    make("form", { method: "dialog" }, make("button", { class: "ac-button" }, "Close")),
  );
  document.body.append(dialog);
  return dialog;
}

let first = "";

/** Obey a key, unless somebody is writing or has switched the keys off; the theme's own keys come after ours. */
function press(event) {
  const writes = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (writes && event.key === "Escape" && event.target.matches("[data-ac-find]")) event.target.blur();
  if (writes || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (localStorage.getItem(OFF) === "off" && event.key !== "?") return;
  const keys = first ? `${first} ${event.key}` : event.key;
  first = !first && event.key === "g" ? "g" : "";
  const action = KEYS[keys]?.[1];
  if ((!action && !first) || action?.() === false) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** Let the keyboard reach into tables that scroll; whether one does shows when it is shown. */
function reachTables({ target }) {
  for (const wide of (target.querySelectorAll ? target : document).querySelectorAll(".ac-scroll")) {
    const hidden = wide.scrollWidth > wide.clientWidth || wide.scrollHeight > wide.clientHeight;
    if (hidden) Object.assign(wide, { tabIndex: 0, role: "region", ariaLabel: "Table" });
  }
}

/** Let the header say that there are keys. */
function offerHelp() {
  const button = make(
    "button",
    {
      type: "button",
      class: "md-header__button ac-keys",
      title: "Keys",
      "aria-label": "Keys",
      click: () => help().showModal(),
    },
    "?",
  );
  document.querySelector("[data-md-component=palette]")?.after(button);
}

addEventListener("keydown", press, { capture: true });
document.addEventListener("focusin", (event) => {
  const card = event.target.closest(".ac-card, .ac-hit, .ac-row");
  if (card !== current) current?.classList.remove("ac-current");
  if (card) current = card;
});
offerHelp();
document.querySelectorAll(".ac-card[data-id]").forEach(equip);
for (const each of ["load", "toggle"]) addEventListener(each, reachTables, { capture: true });
for (const place of document.querySelectorAll("[data-ac]")) {
  const part = PARTS[place.dataset.ac];
  if (part) import(part).then(({ start }) => start(place));
}
if (document.querySelector("meta[name=ac-search][content=pagefind]"))
  import("./search.js").then(({ start }) => start());
