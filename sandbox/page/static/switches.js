// What can be broken: Chatwoot's answers, its webhooks, its speed, and what the channel says became of a reply.

import { byId, el, reconcile, setText } from "./dom.js";
import * as server from "./server.js";

/** Which requests a switch is for. */
const WHERE = {
  messages: { method: "POST", path: ".*/messages$" },
  posts: { method: "POST", path: ".*" },
  all: { method: null, path: ".*" },
};

export class Switches {
  /** `lastReply` gives the message of which the channel reports. */
  constructor(lastReply) {
    this.lastReply = lastReply;
    this.#onSubmit("fault-form", ({ kind, where, times, seconds }) =>
      server.addFault({ kind, ...WHERE[where], times: numberOr(times, null), seconds: numberOr(seconds, 0) }),
    );
    this.#onSubmit("webhook-fault-form", ({ kind, event, to, times, seconds }) =>
      server.addWebhookFault({
        kind,
        event: event || null,
        to: to || null,
        times: numberOr(times, null),
        seconds: numberOr(seconds, 0),
      }),
    );
    this.#onSubmit("pace-form", (form) => server.setPace(numberOr(form.messages_per_second, null)));
    this.#onSubmit("report-form", (form) => this.#report(form));
    byId("clear-switches").addEventListener("click", () => this.#do(server.clearFaults));
  }

  async draw() {
    await this.#do(() => null);
  }

  async #redraw() {
    const faults = (await server.faults()).map((fault) => ({ ...fault, side: "answer" }));
    const webhookFaults = (await server.webhookFaults()).map((fault) => ({ ...fault, side: "webhook" }));
    const all = [...faults, ...webhookFaults];
    const active = all.filter(({ times, hits, held }) => times === null || hits < times || held);
    reconcile(byId("active-switches"), all, { key: ({ side, id }) => `${side} ${id}`, draw: drawSwitch });
    setText(byId("switch-count"), active.length ? `${active.length} on` : "");
    byId("clear-switches").hidden = !all.length;
  }

  #onSubmit(id, act) {
    byId(id).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#do(() => act(Object.fromEntries(new FormData(event.target))));
    });
  }

  async #do(act) {
    try {
      await act();
      await this.#redraw();
    } catch (error) {
      if (!(error instanceof server.Trouble)) throw error;
      setText(byId("phone-trouble"), error.message);
    }
  }

  #report({ status, external_error }) {
    const reply = this.lastReply();
    if (!reply) throw new server.Trouble("There is no reply yet to report of.");
    return server.report({ message_id: reply.id, status, external_error: status === "failed" ? external_error : null });
  }
}

function drawSwitch({ side, kind, event, to, method, path, times, hits }) {
  const where = side === "answer" ? `${method ?? "any"} ${path}` : `${event ?? "any event"} to ${to ?? "anyone"}`;
  const left = times === null ? `always, met ${hits}×` : `${hits} of ${times} met`;
  const isOver = times !== null && hits >= times;
  return el("li", { class: isOver ? "over" : null }, el("strong", {}, kind), ` ${where}`, el("span", {}, left));
}

function numberOr(text, otherwise) {
  return text === "" ? otherwise : Number(text);
}
