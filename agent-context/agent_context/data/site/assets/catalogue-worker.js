// The catalogue of all learnings, in a thread of its own: filters, counts, searches, and what hangs together.
// Facets come first and whole; the words come in pieces, as they are looked at or looked through.

import { AGES, ageGroup, folders } from "./dom.js";
import { Index } from "./find.js";
import { Web } from "./web.js";

const FACETS = ["project", "kind", "status", "flag", "confidence", "tag", "path", "machine", "age"];
const PIECES_AT_ONCE = 4;

let address; // of the site's root
let data; // facets.json, with lists of values by facet
let words; // one per learning once loaded: {id, claim, why}
const pieces = new Map(); // number -> promise
const index = new Index();
let indexed = 0;
let web; // what hangs together
let links = null; // promise of the links between learnings

const load = async (path) => {
  const answer = await fetch(new URL(path, address));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};

async function open(site) {
  address = site;
  data = await load("catalogue/facets.json");
  words = new Array(data.count);
  web = new Web(data);
  const today = Math.floor(Date.now() / 86_400_000);
  const group = (day) => (day < 0 ? [] : AGES.indexOf(ageGroup(today - day)));
  data.lists = {
    project: { names: data.projects.map(([folder]) => folder), of: data.project },
    kind: { names: data.kinds, of: data.kind },
    status: { names: data.statuses, of: data.status },
    flag: {
      names: data.flags,
      of: data.flag.map((bits) => data.flags.flatMap((_, bit) => ((bits >> bit) & 1 ? [bit] : []))),
    },
    confidence: { names: data.confidences, of: data.confidence },
    tag: { names: data.tags, of: data.tag },
    path: withFolders(data.paths, data.path),
    machine: { names: data.machines, of: data.machine },
    age: { names: AGES, of: data.day.map(group) },
  };
}

/** Return the facet of paths with the folders above them as further values. */
function withFolders(paths, of) {
  const above = folders(paths);
  const names = [...new Set([...paths, ...above.flat()])];
  const places = new Map(names.map((name, place) => [name, place]));
  const wider = paths.map((path, place) => [place, ...above[place].map((name) => places.get(name))]);
  return { names, of: of.map((own) => [...new Set(own.flatMap((path) => wider[path]))]) };
}

function piece(number) {
  if (!pieces.has(number)) {
    const loaded = load(data.words[number]).then((part) => {
      part.id.forEach((id, place) => {
        const learning = number * data.shard + place;
        words[learning] = { id, claim: part.claim[place], why: part.why[place] };
        const { tag, path, project } = data.lists;
        const named = [...tag.of[learning].map((each) => tag.names[each]), project.names[project.of[learning]]];
        const paths = data.path[learning].map((each) => path.names[each]);
        const { claim, why } = words[learning];
        index.add(learning, [
          [claim, 3],
          [named.join(" "), 2],
          [[...paths, id].join(" "), 1],
          [why, 1],
        ]);
      });
      indexed += part.id.length;
    });
    loaded.catch(() => pieces.delete(number));
    pieces.set(number, loaded);
  }
  return pieces.get(number);
}

/** Load every piece, a few at a time, and tell the page after each how much can be searched. */
async function loadAll() {
  const wanted = data.words.map((_, number) => number);
  const next = async () => {
    for (let number = wanted.shift(); number !== undefined; number = wanted.shift()) {
      await piece(number);
      postMessage({ progress: indexed, of: data.count });
    }
  };
  await Promise.all(Array.from({ length: PIECES_AT_ONCE }, next));
}

/** Return the learnings that pass, the counts by facet (each as if its own choice were not made), and some rows. */
async function query({ text, chosen, limit, only }) {
  const scores = index.find(text);
  const facets = FACETS.map((name) => ({ ...data.lists[name], name, wanted: wanted(name, chosen[name] ?? []) }));
  const counts = facets.map(({ names }) => new Uint32Array(names.length));
  const within = only?.project && data.lists.project.names.indexOf(only.project);
  const holding = only?.status && new Set(only.status.map((name) => data.statuses.indexOf(name)));
  const passing = [];
  for (let learning = 0; learning < data.count; learning += 1) {
    if (scores && !scores.has(learning)) continue;
    if (within !== undefined && data.project[learning] !== within) continue;
    if (holding && !holding.has(data.status[learning])) continue;
    let failed = -1; // -1 none, -2 several, else the one facet that it does not pass
    for (let facet = 0; facet < facets.length && failed !== -2; facet += 1) {
      const { of, wanted: set } = facets[facet];
      if (set && !passes(of[learning], set)) failed = failed === -1 ? facet : -2;
    }
    if (failed === -2) continue;
    if (failed === -1) passing.push(learning);
    for (let facet = failed === -1 ? 0 : failed; facet < (failed === -1 ? facets.length : failed + 1); facet += 1) {
      const values = facets[facet].of[learning];
      if (typeof values === "number") counts[facet][values] += 1;
      else for (const value of values) counts[facet][value] += 1;
    }
  }
  if (scores) passing.sort((one, other) => scores.get(other) - scores.get(one) || one - other);
  const shown = passing.slice(0, limit);
  await Promise.all([...new Set(shown.map((learning) => Math.floor(learning / data.shard)))].map(piece));
  return {
    total: passing.length,
    all: data.count,
    searched: scores ? indexed : data.count,
    rows: shown.map(row),
    counts: named(facets, counts),
  };
}

const wanted = (name, values) => {
  const { names } = data.lists[name];
  return values.length ? new Set(values.map((value) => names.indexOf(value))) : null;
};

const passes = (values, set) => (typeof values === "number" ? set.has(values) : values.some((value) => set.has(value)));

const named = (facets, counts) =>
  Object.fromEntries(
    facets.map(({ name, names }, facet) => [
      name,
      names.map((value, place) => [value, counts[facet][place], name === "project" ? data.projects[place][1] : value]),
    ]),
  );

const place = async (learnings) => {
  await Promise.all([...new Set(learnings.map((learning) => Math.floor(learning / data.shard)))].map(piece));
  return learnings.map(row);
};

/** Return the number of the learning with this id, loading the words until it is found; -1 if it is not there. */
async function seek(id) {
  for (let number = 0; number < data.words.length; number += 1) {
    await piece(number);
    const last = Math.min((number + 1) * data.shard, data.count);
    for (let learning = number * data.shard; learning < last; learning += 1) {
      if (words[learning].id === id) return learning;
    }
  }
  return -1;
}

/** Have the links between learnings loaded: 20,000 learnings have some hundred KB of them. */
function linked() {
  links ??= load(data.links).then((found) => web.join(found));
  links.catch(() => (links = null));
  return links;
}

/** Return what hangs directly on a project, a tag or a learning. */
async function around(at) {
  const [kind, ...name] = at.split(" ");
  if (kind === "learning") await linked();
  const number = kind === "learning" ? await seek(name.join(" ")) : web.place(kind, name.join(" "));
  return number < 0 ? null : web.around(kind, number, place);
}

async function whole({ limit }) {
  await linked();
  return web.whole(limit);
}

/** Return projects and tags that are named so, then learnings that say it: [key, name for people]. */
async function match(text) {
  await loadAll();
  const found = [...(index.find(text) ?? new Map())].sort(([, one], [, other]) => other - one).slice(0, 8);
  return [
    ...web.named(text, 6),
    ...found.map(([learning]) => [`learning ${words[learning].id}`, words[learning].claim, "learning"]),
  ];
}

function row(learning) {
  const { lists } = data;
  const all = (name) => lists[name].of[learning].map((each) => lists[name].names[each]);
  const one = (name) => lists[name].names[lists[name].of[learning]] ?? "";
  return {
    ...words[learning],
    number: learning,
    day: data.day[learning],
    project: data.projects[data.project[learning]],
    kind: one("kind"),
    status: one("status"),
    confidence: one("confidence"),
    tags: all("tag"),
    flags: all("flag"),
  };
}

const ANSWERS = {
  open: ({ site }) => open(site),
  query,
  loadAll,
  around: ({ at }) => around(at),
  whole,
  match: ({ text }) => match(text),
  describe: ({ number }) => piece(Math.floor(number / data.shard)).then(() => row(number)),
};

onmessage = async ({ data: { call, turn, ...given } }) => {
  try {
    postMessage({ turn, value: await ANSWERS[call](given) });
  } catch (error) {
    postMessage({ turn, error: String(error.message ?? error) });
  }
};
