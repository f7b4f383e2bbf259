// The strip below: the last webhooks that the sandbox sent, and the last requests that its API got.

import { byId, el, reconcile } from "./dom.js";
import * as server from "./server.js";
import { timeWithSeconds } from "./words.js";

const EVERY_MS = 1000;

export class Log {
  #panel = byId("log");
  #timer = null;

  constructor() {
    this.#panel.addEventListener("toggle", () => {
      clearInterval(this.#timer);
      if (!this.#panel.open) return;
      // An answer to a webhook is no change in the world, so no event tells of it.
      this.#timer = setInterval(() => this.#draw(), EVERY_MS);
      this.#draw();
    });
  }

  async #draw() {
    try {
      const { deliveries, requests } = await server.log();
      reconcile(byId("deliveries"), numbered(deliveries), { key: ({ number }) => number, draw: drawDelivery });
      reconcile(byId("requests"), numbered(requests), { key: ({ number }) => number, draw: drawRequest });
    } catch (error) {
      // The sandbox may be gone for a while; the top of the page says so.
      if (!(error instanceof server.Trouble)) throw error;
    }
  }
}

function numbered(entries) {
  return entries.map((entry, at) => ({ ...entry, number: at }));
}

function drawDelivery({ at, event, to, status, error, attempt, fault }) {
  const tries = attempt > 1 ? ` (attempt ${attempt})` : "";
  return row(timeWithSeconds(at), event, to, answer(status, error, fault) + tries, isGood(status));
}

function drawRequest({ at, token, method, path, query, status, fault, in_flight: isInFlight }) {
  const asked = `${method} ${path.replace(/^\/api\/v1\/accounts\/[^/]+/, "…")}${query ? `?${query}` : ""}`;
  const error = isInFlight ? "…" : "none";
  return row(timeWithSeconds(at), token ?? "nobody", asked, answer(status, error, fault), isGood(status));
}

function answer(status, error, fault) {
  return [status ?? error, fault && `(${fault})`].filter(Boolean).join(" ");
}

function isGood(status) {
  return status !== null && status >= 200 && status < 300;
}

function row(at, first, second, last, good) {
  return el("tr", { class: good ? null : "bad" }, ...[at, first, second, last].map((cell) => el("td", {}, cell)));
}
