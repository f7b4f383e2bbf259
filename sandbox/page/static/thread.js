// One conversation at the desk: what was said in it, by whom, and what the agent does about it.

import { byId, el, keepAtEnd, reconcile, sendOnEnter, setOptions, setText } from "./dom.js";
import { drawMessage } from "./messages.js";
import { Conversation, Trouble } from "./server.js";
import { hue, initials } from "./words.js";

const PAUSED = "bot-paused";
const MESSAGES = byId("messages");
const TEXT = byId("agent-text");
const COMPOSER = byId("composer");

/** Which actions make sense when. */
const ACTIONS = {
  pending: ["take-over", "snooze", "resolve"],
  open: ["hand-back", "snooze", "resolve"],
  snoozed: ["take-over", "hand-back", "resolve"],
  resolved: ["reopen", "hand-back"],
};

export class Thread {
  #conversation = null;
  #drafts = new Map();
  #seen = null;

  /** `me` tells who sits at the desk. */
  constructor(world, me) {
    this.world = world;
    this.me = me;
    this.#listen();
  }

  draw(conversation) {
    const isOther = conversation?.id !== this.#conversation?.id;
    if (isOther) this.#changeDraft(conversation);
    this.#conversation = conversation;
    byId("thread").hidden = !conversation;
    if (!conversation) return;
    this.#drawAbout(conversation);
    this.#drawActions(conversation);
    this.#drawFacts(conversation);
    this.#drawMessages(conversation, isOther);
    this.#seeUnread(conversation);
  }

  get #api() {
    return new Conversation(this.world.state.account_id, this.#conversation.id, this.me().token);
  }

  #listen() {
    byId("actions").addEventListener("click", ({ target }) => {
      if (target.dataset.action) this.#do(this.#acts[target.dataset.action]);
    });
    byId("assignee").addEventListener("change", ({ target }) => {
      const [type, id] = target.value.split(":");
      this.#do((api) => api.assign(id ? Number(id) : null, type || "User"));
    });
    byId("pause").addEventListener("click", () => this.#toggleLabel(PAUSED));
    byId("label-form").addEventListener("submit", (event) => this.#addLabel(event));
    COMPOSER.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#write();
    });
    COMPOSER.addEventListener("change", () => this.#drawMode());
    sendOnEnter(TEXT);
  }

  /** Taking over and handing back are two calls each; the second shows the bot how things stand in the end. */
  #acts = {
    "take-over": async (api) => {
      await api.assign(this.me().id);
      await api.setStatus("open");
    },
    "hand-back": async (api) => {
      await api.assign(null);
      await api.setStatus("pending");
    },
    reopen: (api) => api.setStatus("open"),
    snooze: (api) => api.setStatus("snoozed"),
    resolve: (api) => api.setStatus("resolved"),
  };

  /** Do it, and say so if it failed. True if it did not. */
  async #do(act) {
    const { id } = this.#conversation;
    setText(byId("desk-trouble"), "");
    try {
      await act(this.#api);
      return true;
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      setText(byId("desk-trouble"), error.message);
      return false;
    } finally {
      this.world.reload(id);
    }
  }

  #drawAbout({ id, meta, inbox_id, status }) {
    const name = meta.sender.name || meta.sender.phone_number || "Customer";
    setText(byId("about-initials"), initials(name));
    byId("about-initials").className = `avatar ${hue(name)}`;
    setText(byId("about-name"), name);
    const line = [`#${id}`, this.world.inbox(inbox_id)?.name, meta.sender.phone_number, meta.sender.email];
    setText(byId("about-line"), line.filter(Boolean).join(" · "));
    setText(byId("about-status"), status);
    byId("about-status").className = `status ${status}`;
  }

  #drawActions({ status, meta }) {
    const isTheirs = status === "open" && meta.assignee?.id !== this.me().id;
    const sensible = new Set([...ACTIONS[status], ...(isTheirs ? ["take-over"] : [])]);
    const buttons = [...byId("actions").children];
    const focused = buttons.find((button) => button === document.activeElement);
    for (const button of buttons) button.hidden = !sensible.has(button.dataset.action);
    if (focused?.hidden) buttons.find((button) => !button.hidden).focus();
  }

  #drawFacts({ meta, labels }) {
    const { agent, admin, bots } = this.world.state;
    const people = [agent, admin].filter(Boolean).map(({ id, name }) => [`User:${id}`, name]);
    const robots = bots.map(({ id, name }) => [`AgentBot:${id}`, `${name} (bot)`]);
    const assigned = meta.assignee ? `${meta.assignee_type}:${meta.assignee.id}` : "";
    setOptions(byId("assignee"), [["", "nobody"], ...people, ...robots], assigned);
    byId("pause").setAttribute("aria-pressed", String(labels.includes(PAUSED)));
    reconcile(byId("labels"), labels.filter((label) => label !== PAUSED), {
      key: (label) => label,
      draw: (label) => this.#drawLabel(label),
    });
  }

  #drawLabel(label) {
    const remove = { type: "button", "aria-label": `Remove the label ${label}`, click: () => this.#toggleLabel(label) };
    return el("li", { class: "label" }, label, el("button", remove, "×"));
  }

  #toggleLabel(label) {
    const { labels } = this.#conversation;
    const others = labels.filter((each) => each !== label);
    return this.#do((api) => api.setLabels(others.length < labels.length ? others : [...labels, label]));
  }

  #addLabel(event) {
    event.preventDefault();
    const label = byId("new-label").value.trim().toLowerCase().replaceAll(/\s+/g, "-");
    byId("new-label").value = "";
    if (label && !this.#conversation.labels.includes(label)) this.#toggleLabel(label);
  }

  #drawMessages({ id, meta }, isOther) {
    const messages = this.world.messagesOf(id);
    const retry = (messageId) => this.#do((api) => api.retry(messageId));
    MESSAGES.setAttribute("aria-busy", String(isOther));
    const draw = () => {
      reconcile(MESSAGES, messages, {
        key: (message) => `${id}/${message.id}`,
        draw: (message) => drawMessage(message, meta.sender.name, retry),
      });
      const who = this.world.typing.get(id);
      setText(byId("desk-typing"), who && who !== this.me().name ? `${who} is typing…` : "");
    };
    keepAtEnd(MESSAGES, draw, { always: isOther });
    MESSAGES.setAttribute("aria-busy", "false");
  }

  /** What is looked at is read, as Chatwoot's own desk has it. No event tells of it, so look again afterwards. */
  async #seeUnread({ id, unread_count, last_activity_at }) {
    const isLookedAt = MESSAGES.checkVisibility() && document.visibilityState === "visible";
    const what = `${id} ${unread_count} ${last_activity_at}`;
    if (!unread_count || !isLookedAt || this.#seen === what) return;
    this.#seen = what;
    try {
      await this.#api.see();
    } catch (error) {
      // It stays unread then; a switch may be on that refuses everything.
      if (!(error instanceof Trouble)) throw error;
    }
    this.world.reload(id);
  }

  get #isNote() {
    return COMPOSER.elements.mode.value === "note";
  }

  #drawMode() {
    const what = this.#isNote ? "Private note, for agents only" : "Reply to the customer";
    COMPOSER.dataset.mode = this.#isNote ? "note" : "reply";
    TEXT.placeholder = what;
    setText(byId("agent-text-label"), what);
    setText(byId("agent-send"), this.#isNote ? "Add note" : "Send reply");
  }

  async #write() {
    const content = TEXT.value.trim();
    const { id } = this.#conversation;
    if (!content) return;
    TEXT.value = "";
    const isNote = this.#isNote;
    const isWritten = await this.#do((api) => api.write(content, { isNote }));
    if (!isWritten && this.#conversation?.id === id) TEXT.value ||= content;
  }

  #changeDraft(next) {
    if (this.#conversation) this.#drafts.set(this.#conversation.id, TEXT.value);
    TEXT.value = this.#drafts.get(next?.id) ?? "";
  }
}
