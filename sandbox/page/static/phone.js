// The customer's phone: who writes, what they see, what they send.

import { Customers, addressOf } from "./customers.js";
import { byId, el, keepAtEnd, reconcile, sendOnEnter, setOptions, setText, stayAtEnd } from "./dom.js";
import * as server from "./server.js";
import { SomethingElse } from "./something-else.js";
import { ACTIVITY, INCOMING, attachments, avatar, hue, initials, subject, text, timeOf } from "./words.js";

const CHAT = byId("chat");
const TEXT = byId("customer-text");
const FILE = byId("customer-file");

export class Phone {
  #shownCustomer = null;

  constructor(world) {
    this.world = world;
    this.customers = new Customers(world);
    this.somethingElse = new SomethingElse(this);
    this.#listen();
  }

  draw() {
    const customer = this.customers.chosen();
    this.#drawCustomers(customer);
    this.#drawPeer(customer);
    byId("no-inbox").hidden = Boolean(customer);
    CHAT.hidden = byId("customer-writes").hidden = byId("new-customer").hidden = !customer;
    byId("something-else").hidden = !customer;
    if (customer) this.#drawChat(customer);
    this.somethingElse.draw();
  }

  /** The newest message that the business sent to this customer's phone, whatever became of it. */
  get lastToldMessage() {
    const conversations = this.customers.chosen()?.conversations ?? [];
    const sent = conversations
      .flatMap(({ id }) => this.world.messagesOf(id))
      .filter((message) => !message.private && ![INCOMING, ACTIVITY].includes(message.message_type));
    return sent.sort((a, b) => a.id - b.id).at(-1);
  }

  /** The customer's own last message that can be edited. */
  get lastWritten() {
    return this.#onPhone(this.customers.chosen()).findLast((message) => isMine(message) && canBeEdited(message));
  }

  /** The last that came to the phone. */
  get lastRead() {
    return this.#onPhone(this.customers.chosen()).findLast((message) => !isMine(message));
  }

  /** Send something as the customer; null if that failed, else the message. */
  send(what) {
    return this.#do((customer) => server.customerWrites({ ...what, ...placeOf(customer) }));
  }

  edit({ id }, content) {
    return this.#do(() => server.customerEdits({ message_id: id, content }));
  }

  transcribe({ id }, transcript) {
    return this.#do(() => server.transcribe({ message_id: id, transcript }));
  }

  #listen() {
    byId("customers").addEventListener("change", (event) => {
      this.customers.selected = event.target.value;
      this.draw();
    });
    byId("customer-writes").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sendText();
    });
    FILE.addEventListener("change", () => this.#sendFile());
    sendOnEnter(TEXT);
    stayAtEnd(CHAT);
    listenToCustomerForm((customer) => {
      this.customers.make(customer);
      this.draw();
      TEXT.focus();
    });
  }

  #drawCustomers(current) {
    const chips = this.customers.shown.map((customer) => ({
      key: customer.key,
      name: customer.name || addressOf(customer) || "Customer",
      isChosen: customer.key === current?.key,
      hasNews: this.customers.hasNews(customer),
    }));
    reconcile(byId("customers"), chips, { key: (chip) => chip.key, draw: drawChip });
    setOptions(
      byId("customer-form").elements.inbox_id,
      this.world.state.inboxes.map((inbox) => [String(inbox.id), inbox.name]),
    );
    byId("customer-inbox").hidden = this.world.state.inboxes.length < 2;
    byId("customer-email").hidden = !this.world.state.inboxes.some(({ channel_type }) => channel_type === "Channel::Email");
  }

  #drawPeer(customer) {
    const name = this.world.state.account.name;
    const inbox = customer && this.world.inbox(customer.inbox_id);
    setText(byId("peer-initials"), initials(name));
    byId("peer-initials").className = `avatar ${hue(name)}`;
    setText(byId("peer-name"), name);
    setText(byId("peer-status"), [inbox?.name, customer && addressOf(customer)].filter(Boolean).join(" · "));
  }

  #drawChat(customer) {
    const bubbles = bubblesOf(this.#onPhone(customer));
    const isOther = this.#shownCustomer !== customer.key;
    this.#shownCustomer = customer.key;
    CHAT.setAttribute("aria-busy", String(isOther));
    keepAtEnd(
      CHAT,
      () => {
        reconcile(CHAT, bubbles, {
          key: ({ message }) => message.id,
          draw: (bubble) => drawBubble(bubble, (choice) => this.send({ content: choice })),
        });
        this.#drawTyping(customer);
      },
      { always: isOther },
    );
    CHAT.setAttribute("aria-busy", "false");
  }

  #drawTyping(customer) {
    const who = customer.conversations.map(({ id }) => this.world.typing.get(id)).find(Boolean);
    const line = who && who !== customer.name ? `${who} is typing…` : "";
    setText(byId("phone-typing"), line);
  }

  /** In the order in which it came there. */
  #onPhone(customer) {
    const conversations = customer?.conversations ?? [];
    return conversations.flatMap(({ id }) => this.world.phoneOf(id) ?? []).sort((a, b) => a.arrival - b.arrival);
  }

  async #sendText() {
    const content = TEXT.value.trim();
    if (!content) return;
    TEXT.value = "";
    if (!(await this.send({ content }))) TEXT.value ||= content;
  }

  async #sendFile() {
    const [file] = FILE.files;
    if (!file) return;
    const data = await base64(file);
    await this.send({ attachments: [{ filename: file.name, content_type: file.type, data }] });
    FILE.value = "";
  }

  async #do(act) {
    setText(byId("phone-trouble"), "");
    const customer = this.customers.chosen();
    if (!customer) return null;
    try {
      return await act(customer);
    } catch (error) {
      if (!(error instanceof server.Trouble)) throw error;
      setText(byId("phone-trouble"), error.message);
      return null;
    }
  }
}

/** Goes on with the conversation, unless it is over: then the channel decides which comes next. */
function placeOf(customer) {
  const { name, phone_number, email, identifier, inbox_id, conversations } = customer;
  const last = conversations.at(-1);
  if (last && (last.status !== "resolved" || !addressOf(customer))) return { conversation_id: last.id };
  return { name, phone_number, email, identifier, inbox_id };
}

const isMine = ({ message_type }) => message_type === INCOMING;
const isReaction = ({ content_attributes }) => Boolean(content_attributes.is_reaction);
const canBeEdited = (message) => Boolean(message.content) && !isReaction(message) && !message.content_attributes.email;

/** A reaction stands at what it is to, if that is there. Quick replies can be chosen until something is written. */
function bubblesOf(messages) {
  const there = new Set(messages.map(({ id }) => id));
  const stands = (message) => isReaction(message) && there.has(message.content_attributes.in_reply_to);
  const bubbles = messages.filter((message) => !stands(message));
  const lastWritten = bubbles.findLast(isMine)?.arrival ?? 0;
  return bubbles.map((message) => ({
    message,
    canChoose: message.arrival > lastWritten,
    reactions: messages.filter((each) => stands(each) && each.content_attributes.in_reply_to === message.id),
  }));
}

function drawChip({ key, name, isChosen, hasNews }) {
  const radio = el("input", { type: "radio", name: "customer", value: key, class: "unseen" });
  radio.checked = isChosen;
  const news = hasNews && el("span", { class: "news" }, el("span", { class: "unseen" }, "new message"));
  // The first name for the eye, all of it for the ear.
  const [first, ...others] = name.split(" ");
  const rest = others.length > 0 && el("span", { class: "unseen" }, ` ${others.join(" ")}`);
  return el("label", { class: "chip", title: name }, radio, avatar(name), el("span", { class: "chip-name" }, first, rest), news);
}

function drawBubble({ message, canChoose, reactions }, choose) {
  const isDeleted = message.content_attributes.deleted;
  return el(
    "article",
    { class: `bubble ${isMine(message) ? "mine" : "theirs"}${isDeleted ? " deleted" : ""}` },
    el("span", { class: "unseen" }, isMine(message) ? "You: " : "They: "),
    subject(message),
    message.content && text(message.content),
    attachments(message),
    drawChoices(message, canChoose, choose),
    timeOf(message),
    drawReactions(reactions),
  );
}

/** The last one only: a phone replaces a reaction by the next. */
function drawReactions(reactions) {
  const last = reactions.at(-1);
  return last && el("p", { class: "reaction" }, el("span", { class: "unseen" }, "You reacted: "), last.content);
}

/** Quick replies. What is chosen goes out as the customer's own text: so it comes from WhatsApp. */
function drawChoices(message, canChoose, choose) {
  const items = message.content_type === "input_select" ? (message.content_attributes.items ?? []) : [];
  if (!items.length) return null;
  const buttons = items.map(({ title }) =>
    el("button", { type: "button", disabled: !canChoose, click: () => choose(title) }, title),
  );
  return el("div", { class: "choices", role: "group", "aria-label": "Quick replies" }, ...buttons);
}

function listenToCustomerForm(make) {
  const form = byId("customer-form");
  const opener = byId("new-customer");
  const { phone_number, email, identifier } = form.elements;
  const requireOne = () => (phone_number.required = !email.value && !identifier.value);
  form.addEventListener("input", requireOne);
  const show = (isShown) => {
    form.hidden = !isShown;
    opener.setAttribute("aria-expanded", String(isShown));
    (isShown ? form.elements.name : opener).focus();
  };
  opener.addEventListener("click", () => show(form.hidden));
  byId("cancel-customer").addEventListener("click", () => show(false));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(false);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const filled = Object.fromEntries(new FormData(form));
    for (const input of form.querySelectorAll("input")) input.value = "";
    requireOne();
    show(false);
    make({ ...filled, inbox_id: Number(filled.inbox_id) });
  });
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.split(",")[1] ?? ""));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
