// What the page asks of the sandbox.

/** A request that failed, in words for whoever sits at the page. */
export class Trouble extends Error {}

async function ask(method, path, { body, token } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers["Api-Access-Token"] = token;
  const answer = await answered(method, path, { headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Trouble(`${method} ${path} was answered ${answer.status}${said(text)}`);
  return text ? JSON.parse(text) : null;
}

async function answered(method, path, request) {
  try {
    return await fetch(path, { method, cache: "no-store", ...request });
  } catch (error) {
    throw new Trouble(`${method} ${path} was not answered`, { cause: error });
  }
}

function said(text) {
  try {
    const { error, message } = JSON.parse(text);
    return error || message ? `: ${error || message}` : "";
  } catch {
    return text && !text.startsWith("<") ? `: ${text.trim()}` : "";
  }
}

// Looking, and what happens outside of Chatwoot: no token, not in the log.

export const state = () => ask("GET", "/sandbox/state");
export const conversation = (id) => ask("GET", `/page/conversations/${id}`);
export const log = () => ask("GET", "/page/log");
export const customerWrites = (writing) => ask("POST", "/sandbox/customers/messages", { body: writing });
export const customerEdits = (edit) => ask("POST", "/sandbox/customers/edits", { body: edit });
export const transcribe = (said) => ask("POST", "/sandbox/customers/transcripts", { body: said });
export const report = (report) => ask("POST", "/sandbox/message-status", { body: report });
export const faults = () => ask("GET", "/sandbox/faults");
export const addFault = (fault) => ask("POST", "/sandbox/faults", { body: fault });
export const webhookFaults = () => ask("GET", "/sandbox/webhook-faults");
export const addWebhookFault = (fault) => ask("POST", "/sandbox/webhook-faults", { body: fault });
export const setPace = (pace) => ask("PUT", "/sandbox/pace", { body: { messages_per_second: pace } });

export const lag = () => ask("GET", "/sandbox/lag");
export const setLag = (lag) => ask("PUT", "/sandbox/lag", { body: lag });

export async function clearSwitches() {
  await ask("DELETE", "/sandbox/faults");
  await ask("DELETE", "/sandbox/lag");
  await ask("DELETE", "/sandbox/webhook-faults");
}

/** Chatwoot's REST API about one conversation, with a person's token. */
export class Conversation {
  constructor(accountId, id, token) {
    this.path = `/api/v1/accounts/${accountId}/conversations/${id}`;
    this.token = token;
  }

  write = (content, { isNote }) => this.#post("messages", { content, private: isNote });
  setStatus = (status) => this.#post("toggle_status", { status });
  assign = (id, type = "User") => this.#post("assignments", { assignee_id: id, assignee_type: type });
  setLabels = (labels) => this.#post("labels", { labels });
  retry = (messageId) => this.#post(`messages/${messageId}/retry`, {});
  see = () => this.#post("update_last_seen", {});

  #post(what, body) {
    return ask("POST", `${this.path}/${what}`, { body, token: this.token });
  }
}
