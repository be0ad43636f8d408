// The facets: what can be chosen, how many learnings each choice leaves, and what is chosen now.

import { count, make } from "./dom.js";

const SHOWN = 8; // values of a facet before "Show all"
const MOST = 300; // after it
const TITLES = {
  project: "Project",
  kind: "Kind",
  status: "Status",
  flag: "Marked",
  age: "Age",
  tag: "Tag",
  path: "Path",
  machine: "Machine",
  confidence: "Confidence",
};
const AGES = {
  week: "under a week",
  month: "1–4 weeks",
  quarter: "1–3 months",
  year: "3–12 months",
  older: "over a year",
};

const nameOf = (name, value, title) => (name === "age" && Object.hasOwn(AGES, value) ? AGES[value] : title);

export const FACETS = Object.keys(TITLES);

export class Panel {
  #facets = new Map();

  /** `changed` is called with the facet, the value and whether it is wanted. */
  constructor(names, changed) {
    this.changed = changed;
    this.element = make("div", { class: "ac-facets" });
    for (const name of names) {
      const list = make("ul", {});
      const find = make("input", {
        type: "search",
        class: "ac-facet-find",
        placeholder: `Find a ${TITLES[name].toLowerCase()}`,
        "aria-label": `Find a ${TITLES[name].toLowerCase()}`,
        hidden: true,
        input: () => this.#draw(name),
      });
      const more = make("button", { type: "button", class: "ac-more", hidden: true, click: () => this.#expand(name) });
      const box = make("fieldset", { hidden: true }, make("legend", {}, TITLES[name]), find, list, more);
      this.#facets.set(name, { list, find, more, box, labels: new Map(), open: false, values: [], chosen: [] });
      this.element.append(box);
    }
  }

  /** Show these counts: by facet, a list of [value, count, name for people]. */
  update(counts, chosen) {
    for (const [name, facet] of this.#facets) {
      facet.chosen = chosen[name] ?? [];
      const known = counts[name] ?? [];
      const lost = facet.chosen.filter((value) => !known.some(([each]) => each === value));
      facet.values = [...known, ...lost.map((value) => [value, 0, value])];
      this.#draw(name);
    }
  }

  #expand(name) {
    const facet = this.#facets.get(name);
    facet.open = !facet.open;
    this.#draw(name);
  }

  #draw(name) {
    const facet = this.#facets.get(name);
    const asked = facet.find.value.toLowerCase();
    const isChosen = (value) => facet.chosen.includes(value);
    const present = facet.values.filter(([value, number]) => number || isChosen(value));
    if (present.length > SHOWN)
      present.sort(([one, few], [other, many]) => isChosen(other) - isChosen(one) || many - few);
    const fitting = present.filter(([value, , title]) => isChosen(value) || title.toLowerCase().includes(asked));
    const limit = facet.open || asked ? MOST : SHOWN;
    const shown = fitting.filter(([value], place) => place < limit || isChosen(value));
    const focused = document.activeElement;
    facet.list.replaceChildren(...shown.map((value) => this.#item(name, facet, value)));
    if (facet.list.contains(focused)) focused.focus();
    facet.box.hidden = present.length === 0;
    facet.find.hidden = present.length <= SHOWN;
    facet.more.hidden = fitting.length <= SHOWN || Boolean(asked);
    facet.more.textContent = facet.open ? "Show fewer" : `Show all ${count(fitting.length)}`;
    facet.more.setAttribute("aria-expanded", String(facet.open));
  }

  #item(name, facet, [value, number, title]) {
    let item = facet.labels.get(value);
    if (!item) {
      const box = make("input", { type: "checkbox", change: () => this.changed(name, value, box.checked) });
      const tally = make("span", { class: "ac-tally" });
      const text = make("bdi", { class: name === "kind" ? `ac-kind ac-${value}` : "" }, nameOf(name, value, title));
      item = { box, tally, line: make("li", {}, make("label", { title }, box, text, tally)) };
      facet.labels.set(value, item);
    }
    item.box.checked = facet.chosen.includes(value);
    item.tally.textContent = count(number);
    item.line.classList.toggle("ac-none", !number);
    return item.line;
  }
}

/** Return a button for each choice that is made, which takes it back. */
export function chips(state, title, remove) {
  return Object.entries(state.chosen).flatMap(([name, values]) =>
    values.map((value) => {
      const shown = nameOf(name, value, title(name, value));
      const label = `Remove the filter ${TITLES[name].toLowerCase()}: ${shown}`;
      const click = () => remove(name, value);
      return make(
        "button",
        { type: "button", class: "ac-chip", "aria-label": label, click },
        make("bdi", {}, shown),
        " ×",
      );
    }),
  );
}
