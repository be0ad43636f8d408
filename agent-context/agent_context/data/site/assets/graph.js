// The graph: the neighbourhood of one project, tag or learning first, the whole on request. A canvas for the eye; the
// same as a list of buttons for keyboard and screen reader.

import { Catalogue } from "./catalogue.js";
import { calm, count, make, prose, root } from "./dom.js";
import { Picture } from "./picture.js";
import { permalink } from "./rows.js";

const MOST = 5000; // learnings in the whole graph
const WHOLE = "everything";

const label = (key) => key.slice(key.indexOf(" ") + 1);

/** Return the page that a point stands for. */
function pageOf([key, , type], address) {
  if (type === "project") return new URL(address, root).href;
  if (type === "tag") return new URL(`explore/?tag=${encodeURIComponent(label(key))}`, root).href;
  return permalink(label(key));
}

class Graph {
  #turn = 0;

  constructor(place) {
    this.catalogue = new Catalogue();
    const field = "Find a project, a tag or a learning";
    this.input = make("input", {
      type: "search",
      class: "ac-find",
      placeholder: field,
      "aria-label": field,
      autocomplete: "off",
      "data-ac-find": true,
    });
    this.input.addEventListener(
      "input",
      calm(() => this.#suggest(), 150),
    );
    this.list = make("div", { class: "ac-around" });
    this.hint = make("p", { class: "ac-hint" });
    this.picture = new Picture({
      chosen: (point) => this.#choose(point),
      pointed: (point) => this.#describe(point),
    });
    const button = (name, text, click) =>
      make("button", { type: "button", class: "ac-button", "aria-label": name, title: name, click }, text);
    const tools = make(
      "div",
      { class: "ac-graph-tools" },
      button("Zoom in", "+", () => this.picture.zoom(1.4)),
      button("Zoom out", "−", () => this.picture.zoom(1 / 1.4)),
      button("Fit into the frame", "Fit", () => this.picture.fit()),
      button("Show everything", "Everything", () => this.go(WHOLE)),
    );
    const frame = make("div", { class: "ac-frame" }, this.picture.element, tools, this.hint);
    const form = make(
      "form",
      { role: "search", class: "ac-search", submit: (event) => event.preventDefault() },
      this.input,
    );
    place.replaceChildren(form, frame, this.list);
    place.classList.add("ac-graph");
    addEventListener("popstate", () => this.show());
    this.show();
  }

  /** Go to a point, so that the way back leads here. */
  go(key) {
    history.pushState(null, "", `?${new URLSearchParams([["at", key]])}`);
    this.show(true);
  }

  async show(moved = false) {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      await this.catalogue.ready;
      const at = new URLSearchParams(location.search).get("at") ?? (await this.#start());
      if (!at) return this.#say("No learnings yet. Run make sync, then build the site again.");
      const found =
        at === WHOLE ? await this.catalogue.ask("whole", { limit: MOST }) : await this.catalogue.ask("around", { at });
      if (turn !== this.#turn) return undefined;
      if (!found) return this.#say("Nothing of this name is here (any more).");
      this.#draw(at, found);
      if (moved) this.list.querySelector("h2").focus();
    } catch (error) {
      this.#say(`The catalogue could not be read (${error.message}). Load the page again.`);
    }
    return undefined;
  }

  /** Return the key of the project that has most learnings. */
  async #start() {
    const { counts } = await this.catalogue.ask("query", { text: "", chosen: {}, limit: 0 });
    const [most] = counts.project.filter(([, number]) => number).sort(([, one], [, other]) => other - one);
    return most ? `project ${most[0]}` : null;
  }

  #say(words) {
    this.list.replaceChildren(make("p", { class: "ac-said", role: "status" }, words));
    this.picture.draw([], []);
  }

  #draw(at, found) {
    const whole = at === WHOLE;
    const named = whole ? "everything" : found.middle[1];
    this.picture.element.setAttribute(
      "aria-label",
      `Graph of ${named}: ${found.points.length} points. The list says the same.`,
    );
    this.picture.draw(found.points, found.links, whole ? null : found.middle[0]);
    const heading = make("h2", { tabindex: "-1", dir: "auto" }, ...(whole ? ["Everything"] : prose(found.middle[1])));
    this.hint.textContent = whole
      ? `${count(found.shown)} of ${count(found.total)} learnings, the newest. Drag to move, choose a point to go there.`
      : "";
    const parts = whole ? this.#names(found.points) : this.#around(found);
    this.list.replaceChildren(heading, ...parts);
  }

  #around({ middle, address, groups, total }) {
    const what = { project: "Project", tag: "Tag", learning: "Learning" }[middle[2]];
    const open = make("a", { href: pageOf(middle, address) }, "Open its page");
    const parts = [make("p", { class: "ac-said" }, `${what} · `, open)];
    for (const [name, items] of Object.entries(groups)) {
      if (!items.length) continue;
      const more =
        name === "Learnings" && total > items.length + 1 ? ` (the newest ${items.length} of ${count(total)})` : "";
      parts.push(make("h3", {}, `${name}${more}`), make("ul", {}, ...items.map((item) => this.#item(item))));
    }
    return parts;
  }

  #names(points) {
    const named = points.filter(([, name]) => name).map(([key, name, type]) => [key, name, type]);
    const said = make("p", { class: "ac-said" }, `${count(points.length - named.length)} learnings hang on these:`);
    return [said, make("ul", {}, ...named.map((item) => this.#item(item)))];
  }

  #item([key, name, note]) {
    const point = (wanted) => () => this.picture.point(wanted);
    const button = make(
      "button",
      {
        type: "button",
        click: () => this.go(key),
        mouseenter: point(key),
        focus: point(key),
        mouseleave: point(null),
        blur: point(null),
      },
      make("bdi", {}, ...prose(name)),
      make("span", { class: "ac-tally" }, note),
    );
    return make("li", {}, button);
  }

  async #suggest() {
    const text = this.input.value.trim();
    if (!text) return this.show();
    const items = await this.catalogue.ask("match", { text });
    if (text !== this.input.value.trim()) return undefined;
    const said = items.length ? `${items.length} found` : "Nothing fits.";
    const status = make("p", { class: "ac-said", role: "status" }, said);
    this.list.replaceChildren(
      make("h2", {}, "Found"),
      status,
      make("ul", {}, ...items.map((item) => this.#item(item))),
    );
    return undefined;
  }

  /** Go to a chosen point; in the whole graph a learning has a number only. */
  async #choose([key]) {
    if (!key.startsWith("number ")) return this.go(key);
    const { id } = await this.catalogue.ask("describe", { number: Number(label(key)) });
    return this.go(`learning ${id}`);
  }

  async #describe(point) {
    if (!point) return;
    const [key, name] = point;
    if (!key.startsWith("number ")) {
      this.picture.caption(key, name);
      return;
    }
    const { claim } = await this.catalogue.ask("describe", { number: Number(label(key)) });
    this.picture.caption(key, claim);
  }
}

/** Set up the graph's page. */
export const start = (place) => new Graph(place);
