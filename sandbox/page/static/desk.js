// The agent's desk: which conversations there are, and which one is looked at.

import { byId, el, reconcile, setOptions, setText } from "./dom.js";
import { Thread } from "./thread.js";
import { ACTIVITY, INCOMING, avatar, time } from "./words.js";

const SHOWN = 100;

export class Desk {
  #selected = null;

  constructor(world) {
    this.world = world;
    this.thread = new Thread(world, () => this.me);
    byId("conversations").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.#open(Number(button.value));
    });
    byId("back").addEventListener("click", () => this.#close());
    byId("signed-in").addEventListener("change", () => this.draw());
  }

  /** Who sits at the desk: {id, name, token}. */
  get me() {
    return people(this.world.state).find(({ id }) => String(id) === byId("signed-in").value);
  }

  draw() {
    const everybody = people(this.world.state).map(({ id, name, role }) => [String(id), `${name}, ${role}`]);
    setOptions(byId("signed-in"), everybody);
    const conversations = this.world.newestFirst;
    // The first one opens by itself, so that there is something to see.
    if (!this.world.conversations.has(this.#selected)) this.#selected = conversations[0]?.id ?? null;
    this.#drawList(conversations);
    byId("no-thread").hidden = this.#selected !== null || !conversations.length;
    this.thread.draw(this.world.conversations.get(this.#selected));
    const unread = conversations.reduce((sum, each) => sum + (each.unread_count > 0), 0);
    setText(byId("unread"), unread ? `${unread} unread` : "");
  }

  #drawList(conversations) {
    const entries = conversations.slice(0, SHOWN).map((each) => entryOf(each, each.id === this.#selected));
    reconcile(byId("conversations"), entries, { key: ({ id }) => id, draw: drawEntry });
    byId("no-conversations").hidden = conversations.length > 0;
  }

  #open(id) {
    this.#selected = id;
    byId("desk-body").classList.add("has-thread-in-front");
    this.draw();
    byId("about-name").focus({ preventScroll: true });
  }

  /** Only where list and conversation do not fit side by side. */
  #close() {
    byId("desk-body").classList.remove("has-thread-in-front");
    byId("conversations").querySelector(`[aria-current="true"]`)?.focus();
  }
}

function people({ agent, admin, agent_token, admin_token }) {
  return [
    { ...agent, token: agent_token },
    { ...admin, token: admin_token },
  ].filter(({ token }) => token);
}

function entryOf(conversation, isSelected) {
  const { id, meta, status, labels, unread_count, waiting_since, last_activity_at, last_non_activity_message } = conversation;
  return {
    id,
    isSelected,
    name: meta.sender.name || meta.sender.phone_number || "Customer",
    status,
    labels,
    unread: unread_count,
    assignee: meta.assignee?.name ?? "",
    waiting: waiting_since && last_non_activity_message ? `waits since ${time(waiting_since)}` : "",
    said: snippet(last_non_activity_message),
    at: time(last_activity_at),
  };
}

function snippet(message) {
  if (!message || message.message_type === ACTIVITY) return "";
  const words = message.content || (message.attachments ? "📎 attachment" : "");
  const who = message.private ? "Note: " : message.message_type === INCOMING ? "" : `${message.sender?.name ?? "Automatic"}: `;
  return who + words;
}

function drawEntry(entry) {
  const badges = [
    el("span", { class: `status ${entry.status}` }, entry.status),
    entry.assignee && el("span", { class: "assignee" }, entry.assignee),
    ...entry.labels.map((label) => el("span", { class: "label" }, label)),
    entry.waiting && el("span", { class: "waiting" }, entry.waiting),
  ];
  const unread =
    entry.unread > 0 && el("span", { class: "count" }, String(entry.unread), el("span", { class: "unseen" }, " unread"));
  const button = el(
    "button",
    { type: "button", value: entry.id, "aria-current": entry.isSelected ? "true" : null },
    avatar(entry.name),
    el("span", { class: "entry-name" }, entry.name, el("span", { class: "number" }, ` #${entry.id}`)),
    el("span", { class: "entry-at" }, entry.at),
    el("span", { class: "entry-said" }, entry.said),
    unread,
    el("span", { class: "badges" }, ...badges.filter(Boolean)),
  );
  return el("li", {}, button);
}
