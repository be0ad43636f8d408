// Elements, times and the address bar. Words of a learning only ever become text nodes: nothing here parses HTML.

export const root = new URL("../", import.meta.url);

/** Return an element; a function among the properties becomes a listener, null and false leave a property out. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Return an icon drawn by one path on 24 by 24. */
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Return a claim as nodes: what stands in back-quotes as code, the rest as it is. */
export function prose(text) {
  return text
    .split(/(`+)(?!`)(.+?)(?<!`)\1(?!`)/)
    .map((part, place) => (place % 3 === 1 ? null : place % 3 === 2 ? make("code", {}, part) : part))
    .filter((part) => part);
}

/** Return how long ago a day was, roughly and in words. `day` counts from 1970; below 0 is undated. */
export function age(day) {
  if (day < 0) return "";
  const days = Math.floor(Date.now() / 86_400_000) - day;
  if (days < 1) return "today";
  for (const [size, unit] of [
    [365.25, "year"],
    [30.44, "month"],
    [7, "week"],
    [1, "day"],
  ]) {
    const count = Math.floor(days / size);
    if (count) return `${count} ${unit}${count > 1 ? "s" : ""} ago`;
  }
  return "";
}

/** Return for each of these paths the folders above it that hold several of them, each with a slash at its end. */
export function folders(paths) {
  const above = paths.map((path) => [...path.matchAll(/[^/]\//g)].map(({ index }) => path.slice(0, index + 2)));
  const held = new Map();
  paths.forEach((path, place) => above[place].forEach((name) => held.set(name, (held.get(name) ?? new Set()).add(path))));
  return above.map((names, place) => names.filter((name) => name !== paths[place] && held.get(name).size > 1));
}

export const AGES = ["week", "month", "quarter", "year", "older"];
const AGE_DAYS = [7, 31, 92, 366, Infinity];

/** Return which of the ages something so many days old has. */
export const ageGroup = (days) => AGES[AGE_DAYS.findIndex((most) => days < most)];

/** Return a number as people read it. */
export const count = (number) => number.toLocaleString("en");

/** Return what the address asks for: the facets' chosen values by name, and the words to look for (`q` is Material's). */
export function readState(names) {
  const asked = new URLSearchParams(location.search);
  return { text: asked.get("find") ?? "", chosen: Object.fromEntries(names.map((name) => [name, asked.getAll(name)])) };
}

/** Write the state into the address, so that it can be sent to somebody; `step` makes it one to go back from. */
export function writeState({ text, chosen }, step) {
  const pairs = Object.entries(chosen).flatMap(([name, values]) => values.map((value) => [name, value]));
  const asked = new URLSearchParams(text ? [["find", text], ...pairs] : pairs).toString();
  const address = `${location.pathname}${asked ? `?${asked}` : ""}${location.hash}`;
  if (address === location.pathname + location.search + location.hash) return;
  history[step ? "pushState" : "replaceState"](null, "", address);
}

/** Call a function once its caller has been quiet for that many milliseconds. */
export function calm(action, milliseconds) {
  let waiting;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => action(...given), milliseconds);
  };
}
