// All learnings, by facets and words. What is asked for stands in the address; what is shown comes from the catalogue.

import { Catalogue } from "./catalogue.js";
import { calm, count, make, readState, writeState } from "./dom.js";
import { chips, FACETS, Panel } from "./panel.js";
import { row } from "./rows.js";

const STEP = 50;
const TYPING = 90; // milliseconds of quiet before a search

/**
 * Fill an element with the search field, the facets and the rows.
 *
 * `source` answers queries; `only` keeps to a project and to statuses; `answered` hears each answer and says whether it
 * shows the learnings itself; `rests` is how many they are where nothing is to be loaded before somebody asks.
 */
export class Explorer {
  #source;
  #limit = STEP;
  #asked = 0;
  #titles = new Map();

  constructor(place, { source, only, names = FACETS, answered = () => false, field = "Search all learnings", rests }) {
    this.#source = source;
    this.only = only;
    this.names = names;
    this.answered = answered;
    this.state = readState(names);
    this.#build(place, field);
    addEventListener("popstate", () => {
      this.state = readState(names);
      this.input.value = this.state.text;
      this.show();
    });
    if (rests === undefined || this.asks) this.show();
    else {
      this.said.textContent = tell(rests);
      const once = { once: true, capture: true };
      for (const each of ["focusin", "toggle"]) place.addEventListener(each, () => this.show(), once);
    }
  }

  get source() {
    this.#source ??= new Catalogue((searched, all) => this.#progressed(searched, all));
    return this.#source;
  }

  #build(place, field) {
    this.input = make("input", {
      type: "search",
      class: "ac-find",
      name: "find",
      placeholder: field,
      "aria-label": field,
      autocomplete: "off",
      spellcheck: "false",
      maxlength: 500,
      "data-ac-find": true,
      focus: () => this.source.loadAll?.(),
    });
    this.input.value = this.state.text;
    const typed = calm(() => this.#type(), TYPING);
    this.input.addEventListener("input", typed);
    this.said = make("p", { class: "ac-said", role: "status" }, "Loading …");
    this.chips = make("div", { class: "ac-chips" });
    this.clear = make(
      "button",
      { type: "button", class: "ac-more", hidden: true, click: () => this.reset() },
      "Clear all",
    );
    this.rows = make("ol", { class: "ac-hits" });
    this.more = make(
      "button",
      { type: "button", class: "ac-button", hidden: true, click: () => this.#grow() },
      "Show more",
    );
    this.panel = new Panel(this.names, (name, value, wanted) => this.choose(name, value, wanted));
    const folded = make("details", { class: "ac-fold" }, make("summary", {}, "Filters"), this.panel.element);
    folded.open = matchMedia("(min-width: 60em)").matches && !place.dataset.project;
    const form = make(
      "form",
      { role: "search", class: "ac-search", submit: (event) => event.preventDefault() },
      this.input,
    );
    place.replaceChildren(
      form,
      folded,
      make(
        "div",
        { class: "ac-found" },
        make("div", { class: "ac-result" }, this.said, this.chips, this.clear),
        this.rows,
        this.more,
      ),
    );
    place.classList.add("ac-explorer");
  }

  get asks() {
    return Boolean(this.state.text) || this.names.some((name) => this.state.chosen[name].length);
  }

  #type() {
    this.state.text = this.input.value.trim();
    this.#changed(false);
  }

  /** Choose a value of a facet, or take it back. */
  choose(name, value, wanted) {
    const others = this.state.chosen[name].filter((each) => each !== value);
    this.state.chosen[name] = wanted ? [...others, value] : others;
    this.#changed(true);
  }

  /** Take every choice and the words back. */
  reset() {
    this.state = { text: "", chosen: Object.fromEntries(this.names.map((name) => [name, []])) };
    this.input.value = "";
    this.#changed(true);
    this.input.focus();
  }

  #changed(step) {
    this.#limit = STEP;
    writeState(this.state, step);
    this.show();
  }

  async #grow() {
    const before = this.rows.childElementCount;
    this.#limit += STEP;
    await this.show();
    this.rows.children[before]?.querySelector("a")?.focus();
  }

  #progressed(searched, all) {
    if (this.state.text && (searched === all || !this.shown?.rows.length)) this.show();
  }

  /** Ask for what the state says and show the answer, unless another question came meanwhile. */
  async show() {
    this.#asked += 1;
    const turn = this.#asked;
    try {
      await this.source.ready;
      if (this.state.text) this.source.loadAll?.();
      const limit = this.only && !this.asks ? 0 : this.#limit; // the page's own cards stand there
      const answer = await this.source.ask("query", { ...this.state, limit, only: this.only });
      if (turn === this.#asked) this.#draw(answer);
    } catch (error) {
      this.said.textContent = `The catalogue could not be read (${error.message}). Load the page again.`;
    }
  }

  #draw(answer) {
    this.shown = answer;
    for (const [name, values] of Object.entries(answer.counts)) {
      for (const [value, , title] of values) this.#titles.set(`${name} ${value}`, title);
    }
    this.panel.update(answer.counts, this.state.chosen);
    this.chips.replaceChildren(
      ...chips(
        this.state,
        (name, value) => this.#titles.get(`${name} ${value}`) ?? value,
        (name, value) => this.choose(name, value, false),
      ),
    );
    this.clear.hidden = !this.asks;
    this.said.textContent = this.#say(answer);
    const shows = !this.answered(answer, this.asks);
    this.rows.replaceChildren(...(shows ? answer.rows.map((learning) => row(learning, !this.only?.project)) : []));
    this.more.hidden = !shows || answer.total <= answer.rows.length;
  }

  #say({ total, all, searched }) {
    const rest = searched < all ? ` so far: ${count(searched)} of ${count(all)} searched` : "";
    if (!total && all) return `Nothing fits${rest}. Take a filter away, or use fewer words.`;
    return all ? `${tell(total)}${rest}` : "No learnings yet. Run make sync, then build the site again.";
  }
}

const tell = (number) => `${count(number)} learning${number === 1 ? "" : "s"}`;

/** Set up the page of all learnings. */
export const start = (place) => new Explorer(place, {});
