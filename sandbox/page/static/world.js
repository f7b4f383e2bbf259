// What the page knows of the sandbox, kept up to date by its event stream.

import * as server from "./server.js";

const TYPING_ENDS_AFTER_MS = 25_000;

export class World extends EventTarget {
  state = null;
  conversations = new Map();
  messages = new Map();
  phones = new Map();
  typing = new Map();
  #changed = new Set();
  #isLoading = false;

  /** Follow the sandbox for as long as the page is open; after a break everything is read anew. */
  follow() {
    const events = new EventSource("/sandbox/events");
    events.addEventListener("open", () => this.#readAll());
    events.addEventListener("change", (event) => this.#hear(JSON.parse(event.data)));
    events.addEventListener("error", () => this.#tell("connection", false));
    // Else a page that is left keeps its connection, and browsers allow six to one server.
    window.addEventListener("pagehide", () => events.close());
  }

  /** Newest activity first. */
  get newestFirst() {
    return [...this.conversations.values()].sort((a, b) => b.last_activity_at - a.last_activity_at || b.id - a.id);
  }

  inbox(id) {
    return this.state.inboxes.find((inbox) => inbox.id === id);
  }

  /** A conversation's messages as far as they are here; asks for them if they are not. */
  messagesOf(id) {
    if (!this.messages.has(id)) {
      this.messages.set(id, []);
      this.reload(id);
    }
    return this.messages.get(id);
  }

  /** What of a conversation is on the customer's phone; undefined: not here yet, and asked for. */
  phoneOf(id) {
    this.messagesOf(id);
    return this.phones.get(id);
  }

  reload(id) {
    this.#changed.add(id);
    this.#load();
  }

  async #readAll() {
    try {
      this.state = await server.state();
    } catch (error) {
      if (!(error instanceof server.Trouble)) throw error;
      this.#tell("connection", false);
      return;
    }
    this.conversations = new Map(this.state.conversations.map((each) => [each.id, each]));
    this.#tell("connection", true);
    this.#tell("change");
    for (const id of this.messages.keys()) this.reload(id);
  }

  #hear({ kind, conversation_id: id, on, user }) {
    if (kind === "typing") this.#setTyping(id, on ? user : null);
    else if (id !== null) this.reload(id);
    // A contact's news comes with its conversations, which hold a copy.
  }

  /** One after another, each as often as it changed since it was last asked for. */
  async #load() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    for (let id = next(this.#changed); id !== undefined; id = next(this.#changed)) await this.#loadOne(id);
    this.#isLoading = false;
  }

  async #loadOne(id) {
    try {
      const { conversation, messages, phone } = await server.conversation(id);
      if (messages.length > (this.messages.get(id)?.length ?? 0)) this.typing.delete(id);
      this.conversations.set(id, conversation);
      this.messages.set(id, messages);
      this.phones.set(id, phone);
    } catch (error) {
      if (!(error instanceof server.Trouble)) throw error;
      this.conversations.delete(id);
      this.messages.delete(id);
      this.phones.delete(id);
    }
    this.#tell("change");
  }

  /** Chatwoot never says that somebody stopped by going away, so it ends by itself too. */
  #setTyping(id, user) {
    this.typing.set(id, user);
    this.#tell("change");
    if (!user) return;
    setTimeout(() => {
      if (this.typing.get(id) === user) this.#setTyping(id, null);
    }, TYPING_ENDS_AFTER_MS);
  }

  #tell(what, detail) {
    this.dispatchEvent(new CustomEvent(what, { detail }));
  }
}

function next(ids) {
  const [id] = ids;
  ids.delete(id);
  return id;
}
