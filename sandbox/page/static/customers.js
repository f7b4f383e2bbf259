// The customers: those who have written, and those made on the page who have not yet.

import { ACTIVITY, INCOMING } from "./words.js";

const FIRST = { name: "Lucía", phone_number: "+34623226544" };
const SHOWN = 6;

export class Customers {
  selected = null;
  #made = [];
  #seen = new Map();

  constructor(world) {
    this.world = world;
  }

  /** Ordered by when they came; too many to stand side by side: the latest, and the chosen one. */
  get all() {
    const all = new Map(this.#made.map((customer) => [customer.key, { ...customer, conversations: [] }]));
    for (const conversation of this.#oldestFirst()) {
      const customer = this.#writerOf(conversation);
      const conversations = [...(all.get(customer.key)?.conversations ?? []), conversation];
      all.set(customer.key, { ...customer, conversations });
    }
    return [...all.values()];
  }

  get shown() {
    const all = this.all;
    const latest = all.slice(-SHOWN);
    const chosen = all.find((customer) => customer.key === this.selected);
    return chosen && !latest.includes(chosen) ? [chosen, ...latest.slice(1)] : latest;
  }

  /** Who was chosen; else this chooses the latest, or makes somebody to begin with. Null: there is no inbox yet. */
  chosen() {
    const all = this.all;
    const found = all.find((customer) => customer.key === this.selected) ?? all.at(-1);
    if (found) return this.#select(found);
    const inbox = this.firstInbox();
    return inbox ? this.make({ ...FIRST, inbox_id: inbox.id }) : null;
  }

  make({ name, phone_number, inbox_id }) {
    const customer = { key: keyOf(phone_number, inbox_id), name, phone_number, inbox_id };
    this.#made.push(customer);
    return this.#select({ ...customer, conversations: [] });
  }

  /** The inbox that the sandbox gives a phone number's message to: the first that has phones. */
  firstInbox() {
    const { inboxes } = this.world.state;
    return inboxes.find((inbox) => inbox.channel_type !== "Channel::Api") ?? inboxes[0];
  }

  /** An answer came for somebody whose phone is not looked at. Remembers what was there when it was. */
  hasNews(customer) {
    const told = customer.conversations.map((each) => each.last_non_activity_message).filter(isToldToCustomer);
    const newest = Math.max(0, ...told.map((message) => message.id));
    if (customer.key === this.selected || !this.#seen.has(customer.key)) this.#seen.set(customer.key, newest);
    return newest > this.#seen.get(customer.key);
  }

  #select(customer) {
    this.selected = customer.key;
    return customer;
  }

  #oldestFirst() {
    return [...this.world.conversations.values()].sort((a, b) => a.id - b.id);
  }

  #writerOf({ meta: { sender }, inbox_id }) {
    const key = keyOf(sender.phone_number || `#${sender.id}`, inbox_id);
    return { key, name: sender.name, phone_number: sender.phone_number, inbox_id };
  }
}

function keyOf(address, inboxId) {
  return `${address}@${inboxId}`;
}

/** What reaches a phone: no notes, no activities, nothing that failed. */
export function isToldToCustomer(message) {
  return Boolean(message) && isOnPhone(message) && message.message_type !== INCOMING;
}

export function isOnPhone(message) {
  return !message.private && message.message_type !== ACTIVITY && message.status !== "failed";
}
