// What can be broken: Chatwoot's answers, its webhooks, its speed, and what the channel says became of a reply.

import { byId, el, reconcile, setText } from "./dom.js";
import * as server from "./server.js";

/** Which requests a switch is for. */
const WHERE = {
  messages: { method: "POST", path: ".*/messages$" },
  posts: { method: "POST", path: ".*" },
  all: { method: null, path: ".*" },
};

/** What can be late. */
const LAGS = {
  webhooks_s: "webhooks",
  api_s: "answers",
  channel_s: "messages on their channel",
  files_s: "files, later than text",
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
    this.#onSubmit("lag-form", (form) => setLagOfChannel(form));
    byId("clear-switches").addEventListener("click", () => this.#do(server.clearSwitches));
  }

  async draw() {
    await this.#do(() => null);
  }

  async #redraw() {
    const faults = (await server.faults()).map((fault) => ({ ...fault, side: "answer" }));
    const webhookFaults = (await server.webhookFaults()).map((fault) => ({ ...fault, side: "webhook" }));
    const all = [...faults, ...webhookFaults];
    const active = all.filter(({ times, hits, held }) => times === null || hits < times || held);
    const lag = await server.lag();
    const lags = Object.entries(LAGS).filter(([name]) => lag[name].some(Boolean));
    const late = lags.map(([name, what]) => ({ side: "lag", id: name, what, span: lag[name] }));
    const draw = (each) => (each.side === "lag" ? drawLag(each) : drawSwitch(each));
    reconcile(byId("active-switches"), [...all, ...late], { key: ({ side, id }) => `${side} ${id}`, draw });
    const count = active.length + late.length;
    setText(byId("switch-count"), count ? `${count} on` : "");
    byId("clear-switches").hidden = !all.length && !late.length;
    this.#showLag(lag);
  }

  /** What is set, unless somebody is about to set it. */
  #showLag({ channel_s, files_s }) {
    const { elements } = byId("lag-form");
    if (byId("lag-form").contains(document.activeElement) && document.activeElement.matches("input")) return;
    [elements.channel_least.value, elements.channel_most.value] = channel_s;
    [elements.files_least.value, elements.files_most.value] = files_s;
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

/** All that is late is set at once, so the rest is sent as it is. */
async function setLagOfChannel({ channel_least, channel_most, files_least, files_most }) {
  const channel_s = [Number(channel_least), Number(channel_most)];
  await server.setLag({ ...(await server.lag()), channel_s, files_s: [Number(files_least), Number(files_most)] });
}

function drawLag({ what, span }) {
  return el("li", {}, el("strong", {}, "late"), ` ${what}`, el("span", {}, `${span.join(" to ")} s`));
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
