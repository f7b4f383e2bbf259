// How things are said and shown on both sides of the page.

import { el } from "./dom.js";

const TIME = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const TIME_WITH_SECONDS = new Intl.DateTimeFormat([], {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const HUES = 6;

export const time = (seconds) => TIME.format(seconds * 1000);
export const timeWithSeconds = (seconds) => TIME_WITH_SECONDS.format(seconds * 1000);

/** Chatwoot's message_type, and what the page calls it. */
export const INCOMING = 0;
export const ACTIVITY = 2;

export function initials(name) {
  const words = (name || "?").trim().split(/\s+/);
  return words.slice(0, 2).map((word) => [...word][0]?.toUpperCase() ?? "").join("") || "?";
}

/** A colour for a name, always the same. */
export function hue(name) {
  const sum = [...(name || "?")].reduce((total, letter) => total + letter.codePointAt(0), 0);
  return `hue-${sum % HUES}`;
}

export function avatar(name) {
  return el("span", { class: `avatar ${hue(name)}`, "aria-hidden": "true" }, initials(name));
}

export function timeOf(message) {
  return el("time", { datetime: new Date(message.created_at * 1000).toISOString() }, time(message.created_at));
}

/** Text with its web addresses as links. */
export function text(content) {
  const parts = content.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/);
  const shown = parts.map((part, at) => (at % 2 ? link(part, part) : part));
  return el("p", { class: "text", dir: "auto" }, ...shown);
}

/** An e-mail's. */
export function subject(message) {
  const { subject, auto_reply } = message.content_attributes.email ?? {};
  if (!subject) return null;
  return el("p", { class: "subject", dir: "auto" }, auto_reply && el("span", {}, "Absence note: "), subject);
}

export function attachments(message) {
  const files = message.attachments ?? [];
  if (!files.length) return null;
  return el("ul", { class: "files" }, ...files.map((file) => el("li", {}, attachment(file))));
}

function attachment(file) {
  if (file.file_type === "location") return `📍 ${file.fallback_title ?? ""} ${file.coordinates_lat}, ${file.coordinates_long}`;
  if (file.file_type === "contact") return `👤 ${file.fallback_title ?? ""}`;
  if (!isWebAddress(file.data_url)) return `📎 ${file.file_type}`;
  return el("span", {}, link(file.data_url, `${file.file_type === "audio" ? "🎙" : "📎"} ${fileName(file.data_url)}`), transcript(file));
}

function transcript({ transcribed_text: said }) {
  return said && el("span", { class: "transcript", dir: "auto" }, `“${said}”`);
}

function link(address, shown) {
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, shown);
}

function isWebAddress(address) {
  return URL.canParse(address ?? "", location.href) && /^https?:$/.test(new URL(address, location.href).protocol);
}

function fileName(address) {
  const name = new URL(address, location.href).pathname.split("/").pop();
  try {
    return decodeURIComponent(name) || address;
  } catch {
    return name;
  }
}
