// The customers: those who have written, and those made on the page who have not yet.

import { INCOMING } from "./words.js";

const FIRST = { name: "Lucía", phone_number: "+34623226544" };
const FIRST_BY_EMAIL = { name: "Lucía", email: "lucia@example.com" };
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
    if (!inbox) return null;
    const first = inbox.channel_type === "Channel::Email" ? FIRST_BY_EMAIL : FIRST;
    return this.make({ ...first, inbox_id: inbox.id });
  }

  /** Known by a phone number, an e-mail address, or an identifier, as a group is. */
  make({ name, phone_number, email, identifier, inbox_id }) {
    const customer = { name, phone_number, email, identifier, inbox_id };
    customer.key = keyOf(addressOf(customer), inbox_id);
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
    const phones = customer.conversations.map(({ id }) => this.world.phoneOf(id));
    if (phones.includes(undefined)) return false;
    const told = phones.flat().filter((message) => message.message_type !== INCOMING);
    const newest = Math.max(0, ...told.map((message) => message.arrival));
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
    const { name, phone_number, email, identifier } = sender;
    const key = keyOf(addressOf(sender) || `#${sender.id}`, inbox_id);
    return { key, name, phone_number, email, identifier, inbox_id };
  }
}

export function addressOf({ phone_number, identifier, email }) {
  return phone_number || identifier || email || null;
}

function keyOf(address, inboxId) {
  return `${address}@${inboxId}`;
}
