// Filters on a page of cards. Where the project has more pages than this one, the catalogue knows the others.

import { ageGroup, folders } from "./dom.js";
import { Explorer } from "./explorer.js";
import { words } from "./find.js";

const NAMES = ["kind", "status", "flag", "age", "tag", "path", "machine", "confidence"];
const HOLDS = ["unreviewed", "accepted"]; // what stands on the pages of projects and patterns
const ENDED = ["rejected", "retired", "superseded"]; // what stands on the page of the set aside
const DAY = 86_400_000;

/** Answers the same questions as the catalogue, from the cards of one page. */
class Cards {
  ready = Promise.resolve();

  constructor(cards) {
    this.cards = cards.map((card) => ({ card, text: words(card.textContent), values: valuesOf(card.dataset) }));
    const paths = [...new Set(this.cards.flatMap(({ values }) => values.path))];
    const above = new Map(folders(paths).map((names, place) => [paths[place], names]));
    for (const { values } of this.cards)
      values.path = [...new Set(values.path.flatMap((path) => [path, ...above.get(path)]))];
  }

  async ask(_, { text, chosen }) {
    const asked = words(text);
    const counts = Object.fromEntries(NAMES.map((name) => [name, new Map()]));
    const passing = [];
    for (const { card, text: said, values } of this.cards) {
      for (const name of NAMES) for (const value of values[name]) counts[name].set(value, counts[name].get(value) ?? 0);
      if (!asked.every((word) => said.some((each) => each.startsWith(word)))) continue;
      const failed = NAMES.filter(
        (name) => chosen[name].length && !chosen[name].some((value) => values[name].includes(value)),
      );
      if (!failed.length) passing.push(card);
      for (const name of failed.length === 0 ? NAMES : failed.length === 1 ? failed : []) {
        for (const value of values[name]) counts[name].set(value, counts[name].get(value) + 1);
      }
    }
    const listed = ([name, tally]) => [name, [...tally].map(([value, number]) => [value, number, value])];
    const ordered = Object.entries(counts).map(listed);
    for (const [, values] of ordered) values.sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1));
    const all = this.cards.length;
    return { total: passing.length, all, searched: all, rows: passing, counts: Object.fromEntries(ordered) };
  }
}

function valuesOf({
  kind,
  status,
  flags = "",
  confidence = "",
  created = "",
  tags = "[]",
  paths = "[]",
  machines = "[]",
}) {
  const group = ageGroup((Date.now() - Date.parse(created)) / DAY);
  return {
    kind: [kind],
    status: [status],
    flag: flags.split(" ").filter(Boolean),
    age: group ? [group] : [],
    tag: JSON.parse(tags),
    path: JSON.parse(paths),
    machine: JSON.parse(machines),
    confidence: confidence ? [confidence] : [],
  };
}

/** Set up the filters of a page of cards: this page's alone, or by the catalogue if there are more pages. */
export function start(place) {
  const shelf = document.querySelector("[data-ac-cards]");
  if (!shelf) return;
  const cards = [...shelf.querySelectorAll(".ac-card")];
  const several = Number(place.dataset.pages) > 1;
  const answered = ({ rows }, asks) => {
    if (several) {
      shelf.hidden = asks;
      return !asks;
    }
    const shown = new Set(rows);
    for (const card of cards) card.hidden = !shown.has(card);
    for (const group of shelf.querySelectorAll("section.ac-month")) {
      group.hidden = ![...group.querySelectorAll(".ac-card")].some((card) => !card.hidden);
    }
    return true;
  };
  const { project } = place.dataset;
  const source = several ? undefined : new Cards(cards);
  const only = { project: project || undefined, status: project ? HOLDS : ENDED };
  const field = several ? "Search all these pages" : "Search this page";
  const rests = several ? Number(place.dataset.total) : undefined;
  return new Explorer(place, { source, only, names: NAMES, answered, field, rests });
}
