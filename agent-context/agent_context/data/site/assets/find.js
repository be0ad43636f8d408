// A small search index: words to learnings, found by their beginning, ordered by BM25 over weighted fields.
// It grows piece by piece and is queried meanwhile. Times are in docs/benchmarks.md, beside MiniSearch's.

const WORDS =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}])[\p{L}\p{N}])+/gu;
const K1 = 1.2;
const B = 0.7;
const PREFIX = 0.6; // what a longer word that begins as asked is worth
const TYPO = 0.3; // what a word one letter away is worth, looked at only where nothing begins as asked

/** Return the words of a text, without accents and in lower case; where a script has no spaces, its characters. */
export function words(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().match(WORDS) ?? [];
}

export class Index {
  #postings = new Map(); // word -> [learning, weight, learning, weight, ...], learnings ascending within one add
  #lengths = [];
  #total = 0;
  #count = 0;
  #sorted = null;

  /** Add a learning: `fields` are pairs of text and weight. */
  add(number, fields) {
    const weights = new Map();
    let length = 0;
    for (const [text, weight] of fields) {
      for (const word of words(text)) {
        weights.set(word, (weights.get(word) ?? 0) + weight);
        length += 1;
      }
    }
    for (const [word, weight] of weights) {
      const list = this.#postings.get(word);
      if (list) list.push(number, weight);
      else this.#postings.set(word, [number, weight]);
    }
    this.#lengths[number] = length;
    this.#total += length;
    this.#count += 1;
    this.#sorted = null;
  }

  /** Return the score of every learning that holds all the words asked for, as a map; null if no word is asked for. */
  find(text) {
    const asked = [...new Set(words(text))];
    if (!asked.length) return null;
    let found = null;
    for (const word of asked) {
      const scores = this.#score(word);
      if (found) {
        for (const [number, score] of found) {
          const more = scores.get(number);
          if (more === undefined) found.delete(number);
          else found.set(number, score + more);
        }
      } else found = scores;
    }
    return found;
  }

  #score(word) {
    let near = this.#beginning(word);
    if (!near.length && word.length > 3) near = this.#mistyped(word);
    const scores = new Map();
    const average = this.#total / this.#count || 1;
    for (const [match, worth] of near) {
      const list = this.#postings.get(match);
      const rarity = Math.log(1 + (this.#count - list.length / 2 + 0.5) / (list.length / 2 + 0.5));
      for (let place = 0; place < list.length; place += 2) {
        const number = list[place];
        const weight = list[place + 1];
        const part = (weight * (K1 + 1)) / (weight + K1 * (1 - B + (B * this.#lengths[number]) / average));
        const score = worth * rarity * part;
        if (score > (scores.get(number) ?? 0)) scores.set(number, score);
      }
    }
    return scores;
  }

  #beginning(word) {
    this.#sorted ??= [...this.#postings.keys()].sort();
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle] < word) low = middle + 1;
      else high = middle;
    }
    const near = [];
    for (; low < this.#sorted.length && this.#sorted[low].startsWith(word); low += 1) {
      const match = this.#sorted[low];
      near.push([match, match === word ? 1 : (PREFIX * word.length) / match.length]);
    }
    return near;
  }

  #mistyped(word) {
    return this.#sorted.filter((match) => match[0] === word[0] && isOneAway(word, match)).map((match) => [match, TYPO]);
  }
}

/** Say whether one letter more, less, other or swapped turns one word into the other's beginning. */
function isOneAway(word, match) {
  let same = 0;
  while (same < word.length && word[same] === match[same]) same += 1;
  const rest = word.slice(same);
  const other = match.slice(same);
  return (
    other.startsWith(rest.slice(1)) ||
    other.slice(1).startsWith(rest) ||
    other.slice(1).startsWith(rest.slice(1)) ||
    (rest.length > 1 && other.startsWith(rest[1] + rest[0]) && other.slice(2).startsWith(rest.slice(2)))
  );
}
