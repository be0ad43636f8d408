// The search of a large site: Pagefind's index in pieces, behind a button in the header. Small sites use Material's.

import { calm, icon, make, root } from "./dom.js";

const GLASS =
  "M9.5 3A6.5 6.5 0 0 1 16 9.5c0 1.61-.59 3.09-1.56 4.23l.27.27h.79l5 5-1.5 1.5-5-5v-.79l-.27-.27A6.52 6.52 0 0 1 9.5 16a6.5 6.5 0 0 1 0-13m0 2C7 5 5 7 5 9.5S7 14 9.5 14 14 12 14 9.5 12 5 9.5 5";
const PAGES = 8;
const PLACES = 3; // within one page
const TYPING = 120;

/** Return an excerpt's words, what was searched for marked; whatever else the text holds stays text. */
function marked(excerpt) {
  const parsed = new DOMParser().parseFromString(excerpt, "text/html").body;
  return [...parsed.childNodes].map((node) =>
    node.nodeName === "MARK" ? make("mark", {}, node.textContent) : document.createTextNode(node.textContent),
  );
}

class Search {
  #engine = null;
  #turn = 0;

  constructor() {
    const label = "Search the site";
    this.input = make("input", {
      type: "search",
      class: "ac-find",
      "aria-label": label,
      placeholder: label,
      autocomplete: "off",
      spellcheck: "false",
      maxlength: 300,
    });
    this.input.addEventListener(
      "input",
      calm(() => this.#search(), TYPING),
    );
    this.said = make("p", { class: "ac-said", role: "status" });
    this.list = make("ol", { class: "ac-pages" });
    const close = make("form", { method: "dialog" }, make("button", { class: "ac-button" }, "Close"));
    const bar = make("div", { class: "ac-bar" }, this.input, close);
    this.dialog = make(
      "dialog",
      { class: "ac-site-search md-typeset", "aria-label": label },
      bar,
      this.said,
      this.list,
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    const open = make(
      "button",
      { type: "button", class: "md-header__button ac-open-search", "aria-label": label, click: () => this.open() },
      icon(GLASS),
      make("span", {}, "Search"),
    );
    document.querySelector(".md-header__inner")?.append(open);
    document.body.append(this.dialog);
  }

  open() {
    if (!this.dialog.open) this.dialog.showModal();
    this.input.focus();
    this.#load();
  }

  #load() {
    this.#engine ??= import(new URL("pagefind/pagefind.js", root).href).then(async (engine) => {
      await engine.options({ baseUrl: root.pathname, excerptLength: 24 });
      await engine.init();
      return engine;
    });
    this.#engine.catch(() => {
      this.#engine = null;
      this.said.textContent = "The index could not be read. Build the site again, or try the explorer.";
    });
    return this.#engine;
  }

  async #search() {
    this.#turn += 1;
    const turn = this.#turn;
    const text = this.input.value.trim();
    const found = text ? await (await this.#load()).search(text) : { results: [] };
    const pages = await Promise.all(found.results.slice(0, PAGES).map((page) => page.data()));
    if (turn !== this.#turn) return;
    const number = found.results.length;
    this.said.textContent = text
      ? number
        ? `${number} page${number > 1 ? "s" : ""}`
        : "Nothing fits. Try fewer words."
      : "";
    this.list.replaceChildren(...pages.map((page) => this.#page(page)));
  }

  #page({ url, meta, sub_results: places }) {
    const link = (address, title) =>
      make("a", { href: new URL(address, location.origin).href, click: () => this.dialog.close() }, title);
    const inside = places
      .slice(0, PLACES)
      .map((place) =>
        make(
          "li",
          { dir: "auto" },
          place.url === url ? null : link(place.url, place.title),
          make("p", {}, ...marked(place.excerpt)),
        ),
      );
    return make("li", {}, link(url, meta.title ?? url), make("ul", {}, ...inside));
  }
}

/** Put the search into the header; `/`, `s` and `f` open it as they open Material's. */
export function start() {
  const search = new Search();
  addEventListener("keydown", (event) => {
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.target.closest("input, textarea")
    )
      return;
    if (!["/", "s", "f"].includes(event.key) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    search.open();
  });
}
