// What hangs together: learnings with their project and tags, with their kin, with what they replace.
// A point is [key, name, type, kind]; keys are "project FOLDER", "tag NAME", "learning ID".

const LEARNINGS = 40; // shown around one point
const NAMES = 16; // tags or projects around one point
const TAGS = 150; // in the whole graph
const TAGS_EACH = 2; // of a learning in the whole graph, the most used first

export class Web {
  constructor(data) {
    this.data = data;
    this.near = new Map(); // learning -> [[learning, how]]
  }

  /** Take in the links between learnings. */
  join(links) {
    const join = (one, other, how, back) => {
      for (const [from, to, word] of [
        [one, other, how],
        [other, one, back],
      ]) {
        if (!this.near.has(from)) this.near.set(from, []);
        this.near.get(from).push([to, word]);
      }
    };
    for (const [one, other] of links.related) join(one, other, "related", "related");
    for (const [now, old] of links.supersedes) join(now, old, "replaces", "replaced by");
    for (const [pattern, learning] of links.patterns) join(pattern, learning, "stands on", "pattern");
  }

  /** Return the number of a project or a tag; -1 if there is none. */
  place(kind, name) {
    if (kind === "project") return this.data.projects.findIndex(([folder]) => folder === name);
    return kind === "tag" ? this.data.tags.indexOf(name) : -1;
  }

  /** Return the projects and tags whose names hold the text. */
  named(text, most) {
    const asked = text.toLowerCase();
    const projects = this.data.projects.map(([folder, name]) => [`project ${folder}`, name, "project"]);
    const tags = this.data.tags.map((name) => [`tag ${name}`, name, "tag"]);
    return [...projects, ...tags].filter(([, name]) => name.toLowerCase().includes(asked)).slice(0, most);
  }

  /** Return the neighbourhood of one point; `place` turns numbers of learnings into rows. */
  async around(kind, number, place) {
    const members = kind === "learning" ? [number, ...this.#kin(number)] : this.#members(kind, number);
    const rows = await place(members.slice(0, LEARNINGS));
    const drawn = new Drawing();
    const middle = kind === "learning" ? learningPoint(rows[0]) : this.#point(kind, number);
    drawn.add(middle);
    const groups = { Learnings: [], Projects: [], Tags: [] };
    const projects = kind === "project" ? [] : top(members, (each) => [this.data.project[each]]);
    const tags = top(members, (each) => this.data.tag[each]).filter(([each]) => kind !== "tag" || each !== number);
    for (const [group, found, type] of [
      ["Projects", projects, "project"],
      ["Tags", tags, "tag"],
    ]) {
      for (const [each, times] of found.slice(0, NAMES)) {
        const point = this.#point(type, each);
        drawn.add(point);
        groups[group].push([point[0], point[1], String(times)]);
      }
    }
    for (const learning of rows) {
      const point = learningPoint(learning);
      drawn.add(point);
      if (point[0] !== middle[0]) groups.Learnings.push([point[0], learning.claim, this.#how(number, learning, kind)]);
      if (kind !== "learning") drawn.link(middle[0], point[0]);
      drawn.link(point[0], `project ${learning.project[0]}`);
      for (const tag of learning.tags) drawn.link(point[0], `tag ${tag}`);
      for (const [other] of this.near.get(learning.number) ?? []) {
        const twin = rows.find((each) => each.number === other);
        if (twin && other > learning.number) drawn.link(point[0], learningPoint(twin)[0]);
      }
    }
    const address = kind === "project" ? this.data.projects[number][2] : null;
    return { ...drawn.result(), middle, address, groups, total: members.length };
  }

  /** Return projects, the most used tags and the newest learnings, up to so many learnings. */
  whole(limit) {
    const { data } = this;
    const drawn = new Drawing();
    const most = Math.min(limit, data.count);
    for (let each = 0; each < most; each += 1) {
      const key = `number ${each}`;
      drawn.add([key, "", "learning", data.kinds[data.kind[each]]]);
      const project = this.#point("project", data.project[each]);
      drawn.add(project);
      drawn.link(key, project[0]);
      for (const tag of [...data.tag[each]].sort((one, other) => one - other).slice(0, TAGS_EACH)) {
        if (tag >= TAGS) continue;
        drawn.add(this.#point("tag", tag));
        drawn.link(key, `tag ${data.tags[tag]}`);
      }
      for (const [other] of this.near.get(each) ?? []) if (other < each) drawn.link(key, `number ${other}`);
    }
    return { ...drawn.result(), shown: most, total: data.count };
  }

  #point(kind, number) {
    if (kind === "tag") return [`tag ${this.data.tags[number]}`, this.data.tags[number], "tag", ""];
    const [folder, name] = this.data.projects[number];
    return [`project ${folder}`, name, "project", folder === "patterns" ? "pattern" : ""];
  }

  #members(kind, number) {
    const { project, tag, count } = this.data;
    const found = [];
    for (let each = 0; each < count; each += 1) {
      if (kind === "project" ? project[each] === number : tag[each].includes(number)) found.push(each);
    }
    return found;
  }

  #kin(number) {
    return [...new Set((this.near.get(number) ?? []).map(([other]) => other))];
  }

  #how(number, learning, kind) {
    if (kind !== "learning") return learning.kind;
    return (this.near.get(number) ?? []).find(([other]) => other === learning.number)?.[1] ?? learning.kind;
  }
}

/** Points and links, each once. */
class Drawing {
  #places = new Map();
  #points = [];
  #links = new Map();

  add(point) {
    if (!this.#places.has(point[0])) this.#places.set(point[0], this.#points.push(point) - 1);
  }

  link(one, other) {
    if (one !== other) this.#links.set(`${one}\n${other}`, [one, other]);
  }

  /** Return the points that are linked (the first one always), and the links as pairs of their places. */
  result() {
    const pairs = [...this.#links.values()].filter((pair) => pair.every((key) => this.#places.has(key)));
    const linked = new Set([this.#points[0]?.[0], ...pairs.flat()]);
    const points = this.#points.filter(([key]) => linked.has(key));
    const places = new Map(points.map(([key], place) => [key, place]));
    return { points, links: pairs.map((pair) => pair.map((key) => places.get(key))) };
  }
}

const learningPoint = ({ id, claim, kind }) => [`learning ${id}`, claim, "learning", kind];

/** Return values with how often they occur, the most frequent first. */
function top(members, values) {
  const tally = new Map();
  for (const each of members) for (const value of values(each)) tally.set(value, (tally.get(value) ?? 0) + 1);
  return [...tally].sort(([one, many], [other, more]) => more - many || one - other);
}
