// What people send beside text and files: edits, reactions, e-mails, absence notes, voice notes.

import { byId } from "./dom.js";

// Enough to be audio to Chatwoot, which goes by the type.
const AUDIO = { filename: "voice-note.ogg", content_type: "audio/ogg", data: btoa("OggS") };

export class SomethingElse {
  #editable = null;

  /** `phone` sends: it knows whose it is, and says so if that fails. */
  constructor(phone) {
    this.phone = phone;
    this.#onSubmit("edit-form", ({ content }) => phone.edit(phone.lastWritten, content));
    this.#onSubmit("reaction-form", ({ reaction }) => this.#react(reaction));
    this.#onSubmit("email-form", (form) => phone.send(email(form)));
    this.#onSubmit("voice-form", (form) => this.#speak(form));
  }

  draw() {
    const { lastWritten, lastRead } = this.phone;
    if (lastWritten?.id !== this.#editable) byId("edit-form").elements.content.value = lastWritten?.content ?? "";
    this.#editable = lastWritten?.id;
    byId("edit-form").querySelector("button").disabled = !lastWritten;
    byId("reaction-form").querySelector("button").disabled = !lastRead;
  }

  #onSubmit(id, act) {
    byId(id).addEventListener("submit", async (event) => {
      event.preventDefault();
      const form = event.target;
      if ((await act(Object.fromEntries(new FormData(form)))) && id !== "edit-form") form.reset();
    });
  }

  #react(reaction) {
    const about = { is_reaction: true, in_reply_to: this.phone.lastRead.id };
    return this.phone.send({ content: reaction, content_attributes: about });
  }

  async #speak({ transcript, seconds }) {
    const message = await this.phone.send({ attachments: [AUDIO] });
    if (message && transcript) setTimeout(() => this.phone.transcribe(message, transcript), Number(seconds) * 1000);
    return message;
  }
}

/** As Chatwoot has it: the text without what it quotes stands in `quoted`. */
function email({ subject, text, auto_reply }) {
  const parts = text ? { full: text, reply: text, quoted: text } : {};
  const about = { subject, auto_reply: Boolean(auto_reply), text_content: parts, html_content: {} };
  return { content: text || null, content_type: "incoming_email", content_attributes: { email: about } };
}
