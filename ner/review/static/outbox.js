// What was decided and is not stored yet. It lies in the browser's storage until the server has it, so that
// neither a lost connection nor a closed window loses a decision. Sent in order, one at a time.

import { call, Refused } from "./api.js";

const LONGEST_PAUSE = 15_000; // milliseconds between two tries

export class Outbox {
  /**
   * `onDone(entry, state)`, `onRefused(entry, error)` and `onState(state, entries)` are called as entries are
   * stored, refused, or the state changes: "saved", "saving", "offline", "logged_out".
   */
  constructor(name, { onDone, onRefused, onState }) {
    this.prefix = `ner ${name} `;
    this.onDone = onDone;
    this.onRefused = onRefused;
    this.onState = onState;
    this.sending = null;
    this.pause = 500;
    this.state = "saved";
    addEventListener("online", () => this.flush());
    addEventListener("focus", () => this.flush());
  }

  /** The entries that wait, oldest first. One item each, so that two windows do not overwrite each other. */
  entries() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    return keys.sort().map((key) => ({ ...JSON.parse(localStorage.getItem(key)), key }));
  }

  add(path, body) {
    const time = String(Date.now()).padStart(15, "0");
    this.count = (this.count ?? 0) + 1;
    const key = `${this.prefix}${time} ${String(this.count).padStart(6, "0")} ${body.id}`;
    localStorage.setItem(key, JSON.stringify({ path, body }));
    this.flush();
  }

  /** Take out the newest entry if it was not sent yet; the entry, or null. */
  takeBack() {
    const last = this.entries().at(-1);
    if (!last || last.key === this.sending || last.path === "/api/undo") return null;
    localStorage.removeItem(last.key);
    this.#say(this.state);
    return last;
  }

  /** Send all. Resolves when nothing is left or the connection is lost. */
  flush() {
    this.running ??= this.#sendAll().finally(() => (this.running = null));
    return this.running;
  }

  async #sendAll() {
    clearTimeout(this.timer);
    for (let entry; (entry = this.entries()[0]); ) {
      this.sending = entry.key;
      this.#say(this.state === "offline" ? "offline" : "saving");
      try {
        const state = await call(entry.path, entry.body);
        this.#drop(entry);
        this.pause = 500;
        this.state = "saving";
        this.onDone(entry, state);
      } catch (error) {
        const status = error instanceof Refused ? error.status : 0;
        this.sending = null;
        if (status === 401) return this.#say("logged_out");
        if (status === 0 || status >= 500 || status === 429) return this.#later();
        this.#drop(entry);
        this.onRefused(entry, error);
      }
    }
    this.#say("saved");
  }

  #drop(entry) {
    localStorage.removeItem(entry.key);
    this.sending = null;
  }

  #later() {
    this.#say("offline");
    this.timer = setTimeout(() => this.flush(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  #say(state) {
    this.state = state;
    this.onState(state, this.entries().length);
  }
}
