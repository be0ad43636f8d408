// The page's side of the catalogue: asks the worker, and hears how much of it can be searched.

import { root } from "./dom.js";

export class Catalogue {
  #worker = new Worker(new URL("catalogue-worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #turn = 0;
  #all = null;

  /** `progressed` is called whenever another piece of the words can be searched. */
  constructor(progressed = () => {}) {
    this.#worker.onmessage = ({ data }) => {
      if (data.progress) progressed(data.progress, data.of);
      const waiting = this.#waiting.get(data.turn);
      this.#waiting.delete(data.turn);
      if (data.error) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.value);
    };
    this.#worker.onerror = (event) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(event.message || "the worker stopped"));
    };
    this.ready = this.ask("open", { site: root.href });
  }

  /** Return the worker's answer. */
  ask(call, given = {}) {
    this.#turn += 1;
    const turn = this.#turn;
    return new Promise((resolve, reject) => {
      this.#waiting.set(turn, { resolve, reject });
      this.#worker.postMessage({ call, turn, ...given });
    });
  }

  /** Have all the words loaded; called again, it is the same promise. */
  loadAll() {
    this.#all ??= this.ask("loadAll").catch(() => {
      this.#all = null; // offline for a moment: the next search tries again
    });
    return this.#all;
  }
}
