// A message as a real desk shows it: the customer's, the bot's, an agent's, a note, an activity, a failure.

import { el } from "./dom.js";
import { ACTIVITY, INCOMING, attachments, subject, text, timeOf } from "./words.js";

const DELIVERY = {
  sent: ["✓", "sent"],
  delivered: ["✓✓", "delivered"],
  read: ["✓✓", "read"],
  failed: ["!", "failed"],
};

export function drawMessage(message, customerName, retry) {
  if (message.message_type === ACTIVITY) return drawActivity(message);
  const kind = kindOf(message);
  const error = message.status === "failed" ? drawFailure(message, retry) : null;
  return el(
    "article",
    { class: `message ${kind}${error ? " failed" : ""}${message.content_attributes.deleted ? " deleted" : ""}` },
    el("header", {}, el("strong", {}, authorOf(message, kind, customerName)), timeOf(message), delivery(message, kind)),
    message.content_attributes.is_reaction && el("p", { class: "about-reaction" }, "reacts:"),
    subject(message),
    message.content && text(message.content),
    attachments(message),
    drawChoices(message),
    error,
  );
}

function drawActivity(message) {
  return el("p", { class: "activity" }, message.content ?? "", " ", timeOf(message));
}

function kindOf(message) {
  if (message.private) return "note";
  if (message.message_type === INCOMING) return "customer";
  return message.sender?.type === "user" ? "agent" : "bot";
}

/** Without a sender it is Chatwoot's own greeting, or was written on the business's own phone. */
function authorOf(message, kind, customerName) {
  if (kind === "customer") return message.sender?.name || customerName || "Customer";
  const name = message.sender?.name ?? "Automatic";
  if (kind === "note") return `🔒 Private note by ${name}`;
  return kind === "bot" && message.sender ? `${name} (bot)` : name;
}

function delivery(message, kind) {
  if (kind === "customer" || kind === "note") return null;
  const [sign, word] = DELIVERY[message.status] ?? ["", message.status];
  return el(
    "span",
    { class: `delivery ${message.status}`, title: word },
    el("span", { "aria-hidden": "true" }, sign),
    el("span", { class: "unseen" }, word),
  );
}

function drawFailure(message, retry) {
  return el(
    "p",
    { class: "failure" },
    el("span", {}, `Not delivered: ${message.content_attributes.external_error ?? "no reason given"}`),
    el("button", { type: "button", click: () => retry(message.id) }, "Try again"),
  );
}

function drawChoices(message) {
  const items = message.content_type === "input_select" ? (message.content_attributes.items ?? []) : [];
  if (!items.length) return null;
  const chosen = new Set((message.content_attributes.submitted_values ?? []).map(({ value }) => value));
  const choices = items.map(({ title, value }) => el("li", { class: chosen.has(value) ? "chosen" : null }, title));
  return el("ul", { class: "choices", "aria-label": "Quick replies offered" }, ...choices);
}
