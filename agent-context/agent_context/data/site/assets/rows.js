// A learning of the catalogue as one row that leads to it.

import { age, make, prose, root } from "./dom.js";

const TAGS = 4;
const FLAGS = {
  stale: "stale",
  contradicted: "contradicted",
  conflict: "conflict",
  pattern: "pattern",
  pinned: "pinned",
};

/** Return where a learning is found, whatever page it stands on. */
export const permalink = (id) => new URL(`e/${encodeURIComponent(id)}/`, root).href;

/** Return the row of a learning; `place` says whether its project is told. */
export function row(learning, place = true) {
  const { kind, status, flags, tags, claim, why } = learning;
  const marks = [status === "accepted" ? null : status, ...flags.map((flag) => FLAGS[flag] ?? null)].filter(Boolean);
  const where = [place ? make("bdi", {}, learning.project[1]) : null, age(learning.day)].filter(Boolean);
  return make(
    "li",
    { class: "ac-hit" },
    make(
      "p",
      { class: "ac-hit-about" },
      make("span", { class: `ac-kind ac-${kind}` }, kind),
      ...marks.map((mark) => make("span", { class: `ac-status ac-${mark}` }, mark)),
      ...tags.slice(0, TAGS).map((tag) => make("bdi", { class: "ac-hit-tag" }, tag)),
      make("span", { class: "ac-when" }, ...where.flatMap((part, number) => (number ? [" · ", part] : [part]))),
    ),
    make("a", { href: permalink(learning.id), class: "ac-hit-link", dir: "auto" }, ...prose(claim)),
    why ? make("p", { class: "ac-hit-why", dir: "auto" }, ...prose(why)) : null,
  );
}
