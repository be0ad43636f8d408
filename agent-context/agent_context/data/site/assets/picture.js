// Points and links on a canvas, moved by a worker (forces.js). Knows nothing of learnings.

import { make } from "./dom.js";

const RADIUS = { project: 8, tag: 5, learning: 4 };
const LABEL = 30; // characters
const FEW = 80; // points up to which each has its label
const KINDS = ["decision", "gotcha", "convention", "configuration", "dependency", "workflow", "preference"];

export class Picture {
  #points = [];
  #links = [];
  #near = new Map();
  #x = [];
  #y = [];
  #view = { x: 0, y: 0, scale: 1 };
  #held = null;
  #moved = false;
  #fits = true;
  #shown = null; // the point that the mouse or the list names
  #words = "";
  #worker = null;

  constructor({ chosen, pointed }) {
    this.chosen = chosen;
    this.pointed = pointed;
    this.element = make("canvas", { class: "ac-canvas", role: "img" });
    this.pen = this.element.getContext("2d");
    new ResizeObserver(() => this.#resize()).observe(this.element);
    new MutationObserver(() => this.#colour()).observe(document.body, {
      attributes: true,
      attributeFilter: ["data-md-color-scheme"],
    });
    this.element.addEventListener("pointerdown", (event) => this.#press(event));
    this.element.addEventListener("pointermove", (event) => this.#move(event));
    this.element.addEventListener("pointerup", (event) => this.#release(event));
    this.element.addEventListener("pointerleave", () => this.point(null));
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** Draw these points and links; the point with this key stands out. */
  draw(points, links, middle = null) {
    this.#worker?.terminate();
    this.#points = points;
    this.#links = links;
    this.#near = new Map();
    for (const [one, other] of links) {
      this.#near.set(one, [...(this.#near.get(one) ?? []), other]);
      this.#near.set(other, [...(this.#near.get(other) ?? []), one]);
    }
    this.middle = middle;
    this.#shown = null;
    this.#fits = true;
    this.#x = this.#y = [];
    this.#paint();
    if (!points.length) return;
    this.element.dataset.settled = "";
    this.#worker = new Worker(new URL("forces.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data: { x, y, done } }) => {
      this.#x = x;
      this.#y = y;
      if (done) this.element.dataset.settled = "yes";
      if (this.#fits) this.fit();
      else this.#paint();
    };
    this.#worker.postMessage({ count: points.length, links });
  }

  /** Let the point with this key stand out, or none. */
  point(key) {
    const at = key === null ? null : this.#points.findIndex(([each]) => each === key);
    this.#show(at === -1 ? null : at);
  }

  /** Say these words at the point, if it still is the one shown. */
  caption(key, words) {
    if (this.#shown === null || this.#points[this.#shown][0] !== key) return;
    this.#words = words;
    this.#paint();
  }

  zoom(by, x = this.width / 2, y = this.height / 2) {
    const { scale } = this.#view;
    const wanted = Math.min(Math.max(scale * by, 0.03), 8);
    this.#view.x = x - ((x - this.#view.x) * wanted) / scale;
    this.#view.y = y - ((y - this.#view.y) * wanted) / scale;
    this.#view.scale = wanted;
    this.#fits = false;
    this.#paint();
  }

  /** Show all points within the frame. */
  fit() {
    this.#fits = true;
    if (!this.#x.length || !this.width) return;
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let each = 0; each < this.#x.length; each += 1) {
      left = Math.min(left, this.#x[each]);
      right = Math.max(right, this.#x[each]);
      top = Math.min(top, this.#y[each]);
      bottom = Math.max(bottom, this.#y[each]);
    }
    const edge = this.#points.length > FEW ? 24 : Math.min(60, this.width / 9);
    const scale = Math.min((this.width - 2 * edge) / (right - left + 1), (this.height - 80) / (bottom - top + 1), 2.2);
    this.#view = {
      scale,
      x: this.width / 2 - ((left + right) / 2) * scale,
      y: this.height / 2 - ((top + bottom) / 2) * scale,
    };
    this.#paint();
  }

  #resize() {
    const { width, height } = this.element.getBoundingClientRect();
    const dots = devicePixelRatio || 1;
    Object.assign(this, { width, height });
    this.element.width = width * dots;
    this.element.height = height * dots;
    this.pen.setTransform(dots, 0, 0, dots, 0, 0);
    this.#colour();
    if (this.#fits) this.fit();
  }

  #colour() {
    const style = getComputedStyle(document.body);
    const read = (name) => style.getPropertyValue(name).trim();
    this.colours = Object.fromEntries(KINDS.map((kind) => [kind, read(`--ac-${kind}`)]));
    Object.assign(this.colours, {
      text: read("--md-default-fg-color"),
      soft: read("--md-default-fg-color--light"),
      line: read("--ac-line"),
      ground: read("--ac-surface"),
      accent: read("--md-accent-fg-color"),
    });
    this.font = style.fontFamily;
    this.#paint();
  }

  #paint() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.#stroke();
    });
  }

  #stroke() {
    const { pen, colours } = this;
    if (!colours || !this.width) return;
    pen.clearRect(0, 0, this.width, this.height);
    if (!this.#x.length) return;
    const lit = this.#shown === null ? null : new Set([this.#shown, ...(this.#near.get(this.#shown) ?? [])]);
    this.#lines(lit);
    for (let each = 0; each < this.#points.length; each += 1) this.#dot(each, lit);
    this.#labels(lit);
  }

  #at(each) {
    return [this.#x[each] * this.#view.scale + this.#view.x, this.#y[each] * this.#view.scale + this.#view.y];
  }

  #lines(lit) {
    const { pen, colours } = this;
    for (const bright of lit ? [false, true] : [false]) {
      pen.beginPath();
      for (const [one, other] of this.#links) {
        if (bright !== (lit !== null && (one === this.#shown || other === this.#shown))) continue;
        pen.moveTo(...this.#at(one));
        pen.lineTo(...this.#at(other));
      }
      pen.strokeStyle = bright ? colours.accent : colours.soft;
      pen.globalAlpha = bright ? 1 : this.#links.length < 600 ? 0.35 : 0.14;
      pen.lineWidth = bright ? 1.4 : 1;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  #size(each) {
    const [key, , type] = this.#points[each];
    const crowd = Math.min(1, Math.max(0.35, this.#view.scale));
    const degree = type === "learning" ? 0 : Math.sqrt(this.#near.get(each)?.length ?? 0);
    return (RADIUS[type] + Math.min(degree, 7) + (key === this.middle ? 3 : 0)) * crowd;
  }

  #dot(each, lit) {
    const { pen, colours } = this;
    const [, , type, kind] = this.#points[each];
    pen.globalAlpha = lit && !lit.has(each) ? 0.25 : 1;
    pen.beginPath();
    pen.arc(...this.#at(each), this.#size(each), 0, 2 * Math.PI);
    pen.fillStyle =
      type === "learning" ? (colours[kind] ?? colours.soft) : type === "project" ? colours.text : colours.ground;
    pen.fill();
    if (type === "tag") {
      pen.strokeStyle = colours.soft;
      pen.lineWidth = 1.5;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  #labels(lit) {
    const { pen, colours } = this;
    pen.font = `12px ${this.font}`;
    pen.textAlign = "center";
    const taken = [];
    const order = [...this.#points.keys()].sort((one, other) => this.#rank(other) - this.#rank(one));
    for (const each of order) {
      const [, name, type] = this.#points[each];
      const shown = each === this.#shown;
      const words = (shown && this.#words ? this.#words : name).replaceAll("`", "");
      if (!words || (lit && !lit.has(each)) || (type === "learning" && this.#points.length > FEW && !lit)) continue;
      const short = words.length > LABEL && !shown ? `${words.slice(0, LABEL - 1)}…` : words.slice(0, 110);
      const [x, y] = this.#at(each);
      const half = pen.measureText(short).width / 2 + 3;
      const middle = Math.min(Math.max(x, half), Math.max(this.width - half, half));
      const low = y + this.#size(each) + 13;
      const box = [middle - half, low - 11, middle + half, low + 4];
      if (
        !shown &&
        taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])
      )
        continue;
      taken.push(box);
      pen.lineWidth = 4;
      pen.lineJoin = "round";
      pen.strokeStyle = colours.ground;
      pen.strokeText(short, middle, low);
      pen.fillStyle = type === "learning" && !shown ? colours.soft : colours.text;
      pen.fillText(short, middle, low);
    }
  }

  /** Return how much a point's label matters. */
  #rank(each) {
    if (each === this.#shown) return Infinity;
    const [key, , type] = this.#points[each];
    if (key === this.middle) return 1e9;
    return { project: 1e6, tag: 1e3, learning: 0 }[type] + (this.#near.get(each)?.length ?? 0);
  }

  #find({ offsetX, offsetY }) {
    let [best, least] = [null, Infinity];
    for (let each = 0; each < this.#x.length; each += 1) {
      const [x, y] = this.#at(each);
      const far = Math.hypot(x - offsetX, y - offsetY) - this.#size(each);
      if (far < Math.min(least, 8)) [best, least] = [each, far];
    }
    return best;
  }

  #show(each) {
    if (each === this.#shown) return;
    this.#shown = each;
    this.#words = "";
    this.element.classList.toggle("ac-pointing", each !== null);
    this.pointed(each === null ? null : this.#points[each]);
    this.#paint();
  }

  #press(event) {
    this.#held = { x: event.clientX, y: event.clientY };
    this.#moved = false;
    this.element.setPointerCapture(event.pointerId);
  }

  #move(event) {
    if (!this.#held) return this.#show(this.#find(event));
    const [dx, dy] = [event.clientX - this.#held.x, event.clientY - this.#held.y];
    if (!this.#moved && Math.hypot(dx, dy) < 4) return undefined;
    this.#moved = true;
    this.#fits = false;
    this.#view.x += dx;
    this.#view.y += dy;
    this.#held = { x: event.clientX, y: event.clientY };
    return this.#paint();
  }

  #release(event) {
    const each = this.#moved ? null : this.#find(event);
    this.#held = null;
    if (each !== null) this.chosen(this.#points[each]);
  }

  /** Zoom with pinch or with the control key; the plain wheel scrolls the page. */
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 200), event.offsetX, event.offsetY);
  }
}
