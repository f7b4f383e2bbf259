// The customer's phone: who writes, what they see, what they send.

import { Customers, isOnPhone } from "./customers.js";
import { byId, el, keepAtEnd, reconcile, sendOnEnter, setOptions, setText } from "./dom.js";
import * as server from "./server.js";
import { ACTIVITY, INCOMING, attachments, avatar, hue, initials, text, timeOf } from "./words.js";

const CHAT = byId("chat");
const TEXT = byId("customer-text");
const FILE = byId("customer-file");

export class Phone {
  #shownCustomer = null;

  constructor(world) {
    this.world = world;
    this.customers = new Customers(world);
    this.#listen();
  }

  draw() {
    const customer = this.customers.chosen();
    this.#drawCustomers(customer);
    this.#drawPeer(customer);
    byId("no-inbox").hidden = Boolean(customer);
    CHAT.hidden = byId("customer-writes").hidden = byId("new-customer").hidden = !customer;
    if (customer) this.#drawChat(customer);
  }

  /** The newest message that the business sent to this customer's phone, whatever became of it. */
  get lastToldMessage() {
    const sent = this.#messages(this.customers.chosen()).filter(
      (message) => !message.private && ![INCOMING, ACTIVITY].includes(message.message_type),
    );
    return sent.at(-1);
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
    listenToCustomerForm((customer) => {
      this.customers.make(customer);
      this.draw();
      TEXT.focus();
    });
  }

  #drawCustomers(current) {
    const chips = this.customers.shown.map((customer) => ({
      key: customer.key,
      name: customer.name || customer.phone_number || "Customer",
      isChosen: customer.key === current?.key,
      hasNews: this.customers.hasNews(customer),
    }));
    reconcile(byId("customers"), chips, { key: (chip) => chip.key, draw: drawChip });
    setOptions(
      byId("customer-form").elements.inbox_id,
      this.world.state.inboxes.map((inbox) => [String(inbox.id), inbox.name]),
    );
    byId("customer-inbox").hidden = this.world.state.inboxes.length < 2;
  }

  #drawPeer(customer) {
    const name = this.world.state.account.name;
    const inbox = customer && this.world.inbox(customer.inbox_id);
    setText(byId("peer-initials"), initials(name));
    byId("peer-initials").className = `avatar ${hue(name)}`;
    setText(byId("peer-name"), name);
    setText(byId("peer-status"), [inbox?.name, customer?.phone_number].filter(Boolean).join(" · "));
  }

  #drawChat(customer) {
    const messages = this.#messages(customer).filter(isOnPhone);
    const lastWritten = messages.findLast((message) => message.message_type === INCOMING)?.id ?? 0;
    const bubbles = messages.map((message) => ({ message, canChoose: message.id > lastWritten }));
    const isOther = this.#shownCustomer !== customer.key;
    this.#shownCustomer = customer.key;
    CHAT.setAttribute("aria-busy", String(isOther));
    keepAtEnd(
      CHAT,
      () => {
        reconcile(CHAT, bubbles, {
          key: ({ message }) => message.id,
          draw: ({ message, canChoose }) => drawBubble(message, canChoose, (choice) => this.#send({ content: choice })),
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

  #messages(customer) {
    const conversations = customer?.conversations ?? [];
    return conversations.flatMap(({ id }) => this.world.messagesOf(id)).sort((a, b) => a.id - b.id);
  }

  async #sendText() {
    const content = TEXT.value.trim();
    if (!content) return;
    TEXT.value = "";
    if (!(await this.#send({ content }))) TEXT.value ||= content;
  }

  async #sendFile() {
    const [file] = FILE.files;
    if (!file) return;
    const data = await base64(file);
    await this.#send({ attachments: [{ filename: file.name, content_type: file.type, data }] });
    FILE.value = "";
  }

  async #send(what) {
    setText(byId("phone-trouble"), "");
    const customer = this.customers.chosen();
    if (!customer) return false;
    try {
      await server.customerWrites({ ...what, ...placeOf(customer) });
      return true;
    } catch (error) {
      if (!(error instanceof server.Trouble)) throw error;
      setText(byId("phone-trouble"), error.message);
      return false;
    }
  }
}

/** Goes on with the conversation, unless it is over: then the channel decides which comes next. */
function placeOf({ name, phone_number, inbox_id, conversations }) {
  const last = conversations.at(-1);
  if (last && (last.status !== "resolved" || !phone_number)) return { conversation_id: last.id };
  return { name, phone_number, inbox_id };
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

function drawBubble(message, canChoose, choose) {
  const isMine = message.message_type === INCOMING;
  const isDeleted = message.content_attributes.deleted;
  return el(
    "article",
    { class: `bubble ${isMine ? "mine" : "theirs"}${isDeleted ? " deleted" : ""}` },
    el("span", { class: "unseen" }, isMine ? "You: " : "They: "),
    message.content && text(message.content),
    attachments(message),
    drawChoices(message, canChoose, choose),
    timeOf(message),
  );
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
    const { name, phone_number, inbox_id } = Object.fromEntries(new FormData(form));
    form.elements.name.value = form.elements.phone_number.value = "";
    show(false);
    make({ name, phone_number, inbox_id: Number(inbox_id) });
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
