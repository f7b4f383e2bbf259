"""The phone shows what a customer would see, and nothing else."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chat import Chat, Salon


def test_a_customer_who_never_wrote_begins_a_conversation(salon: Salon, chat: Chat) -> None:
    chat.open().write_as_customer("Hola")
    expect(chat.phone).to_contain_text("Hola")
    expect(chat.desk).to_contain_text("Hola")
    assert salon.said() == ["Hola"]


def test_notes_and_activities_stay_at_the_desk(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open().note("Prefers Pablo")
    chat.button("Take over").click()
    chat.reply("I am Pablo")
    expect(chat.desk).to_contain_text("Prefers Pablo")
    expect(chat.desk).to_contain_text("Conversation was reopened by Pablo")
    expect(chat.phone.get_by_role("article")).to_have_text([re.compile("Hola"), re.compile("I am Pablo")])


def test_what_failed_never_reached_the_phone(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    reply = salon.bot_says("Lost on its way")
    chat.open()
    expect(chat.phone).to_contain_text("Lost on its way")
    salon.sandbox.settle()
    salon.sandbox.channel_reports(reply, "failed", "131026: Message undeliverable")
    expect(chat.desk).to_contain_text("Not delivered: 131026: Message undeliverable")
    expect(chat.phone).not_to_contain_text("Lost on its way")


def test_markup_is_text(salon: Salon, chat: Chat) -> None:
    evil = "<script>document.title = 'caught'</script><img src=x onerror=\"document.title = 'caught'\">"
    salon.customer_writes(evil, name=evil)
    salon.bot_says(evil)
    choice = "<b>short</b>"  # as WhatsApp wants it
    salon.bot_says("?", content_attributes={"items": [{"title": choice, "value": evil}]}, content_type="input_select")
    chat.open().note(evil)
    expect(chat.button(choice)).to_be_visible()
    expect(chat.phone.get_by_text(evil, exact=True)).to_have_count(2)  # customer, bot
    expect(chat.desk.get_by_text(evil, exact=True)).to_have_count(4)  # those, the note, the customer's name
    expect(chat.page).to_have_title("Contesta sandbox")


def test_the_phone_shows_what_has_come_in_the_order_in_which_it_came(salon: Salon, chat: Chat) -> None:
    """The desk shows everything, in Chatwoot's order."""
    salon.customer_writes("Hola")
    chat.open()
    salon.sandbox.lag.set(files_s=(6, 6))
    salon.bot_says("The menu", files=["menu.pdf"])
    salon.bot_says("Which day?")
    expect(chat.phone).to_contain_text("Which day")
    salon.customer_writes("Monday")
    expect(chat.desk.locator(".message")).to_have_text(texts("Hola", "The menu", "Which day", "Monday"))
    expect(chat.phone.get_by_role("article")).to_have_text(texts("Hola", "Which day", "Monday", "The menu"))
    expect(chat.desk.locator(".message")).to_have_text(texts("Hola", "The menu", "Which day", "Monday"))


def test_what_its_channel_refused_is_at_the_desk_only(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    salon.bot_says("x" * 5000)
    chat.open()
    expect(chat.desk).to_contain_text("Not delivered: 131009")
    expect(chat.phone.get_by_role("article")).to_have_text(texts("Hola"))


def test_of_several_files_whatsapp_gets_the_first_and_audio_without_its_text(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    salon.bot_says("Two files", files=["a.pdf", "b.pdf"])
    salon.bot_says("Listen", files=["voice.ogg"])
    chat.open()
    expect(chat.phone.get_by_role("link")).to_have_text(texts("a.pdf", "voice.ogg"))
    expect(chat.phone).to_contain_text("Two files")
    expect(chat.phone).not_to_contain_text("Listen")
    expect(chat.desk.get_by_role("link")).to_have_text(texts("a.pdf", "b.pdf", "voice.ogg"))
    expect(chat.desk).to_contain_text("Listen")


def texts(*parts: str) -> list[re.Pattern[str]]:
    return [re.compile(part) for part in parts]


def test_a_link_leads_to_web_addresses_only(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    salon.bot_says("See https://example.com/a?b=1. Not javascript:alert(1)")
    expect(chat.open().phone.get_by_role("link")).to_have_attribute("href", "https://example.com/a?b=1")


def test_quick_replies_are_buttons_that_write_for_the_customer(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    items = [{"title": "Mañana", "value": "am"}, {"title": "Tarde", "value": "pm"}]
    salon.bot_says("When?", content_type="input_select", content_attributes={"items": items})
    chat.open().button("Tarde").click()
    expect(chat.desk).to_contain_text("Tarde")
    expect(chat.button("Tarde")).to_be_disabled()
    assert salon.said() == ["Hola", "When?", "Tarde"]


def test_a_file_goes_out_and_is_a_link(salon: Salon, chat: Chat) -> None:
    chat.open()
    chat.page.get_by_label("Send a file").set_input_files(
        {"name": "corte.txt", "mimeType": "text/plain", "buffer": b"short, please"}
    )
    expect(chat.phone.get_by_role("link", name="corte.txt")).to_be_visible()
    with chat.page.expect_popup() as opened:
        chat.desk.get_by_role("link", name="corte.txt").click()
    expect(opened.value.locator("body")).to_have_text("short, please")


def test_typing_shows_until_the_reply_is_there(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("Hola")
    chat.open()
    salon.bot_types()
    expect(chat.page.locator("#phone-typing")).to_have_text("Contesta is typing…")
    salon.bot_says("Hi")
    expect(chat.phone).to_contain_text("Hi")
    expect(chat.page.locator("#phone-typing")).to_be_empty()


def test_each_customer_has_a_chat_of_their_own(salon: Salon, chat: Chat) -> None:
    salon.customer_writes("I am Lucía")
    chat.open()
    chat.button("+ New customer").click()
    chat.page.get_by_label("Name", exact=True).fill("Andrés Gil")
    chat.page.get_by_label("Phone", exact=True).fill("+34600111222")
    chat.button("Make customer").click()
    expect(chat.phone).not_to_contain_text("I am Lucía")
    chat.write_as_customer("I am Andrés")
    expect(chat.phone).to_contain_text("I am Andrés")
    salon.bot_says("For Lucía")
    expect(chat.page.get_by_title("Lucía")).to_contain_text("new message")
    chat.page.get_by_role("radio", name="Lucía").check(force=True)  # the radio itself is not drawn
    expect(chat.phone).to_contain_text("For Lucía")
    expect(chat.phone).not_to_contain_text("I am Andrés")


def test_the_chat_goes_on_when_a_new_conversation_begins(salon: Salon, chat: Chat) -> None:
    """On a phone there is one chat, however often the desk resolves it."""
    first = salon.customer_writes("before")
    chat.open()
    chat.button("Resolve").click()
    expect(chat.status).to_have_text("resolved")
    chat.write_as_customer("after")
    expect(chat.phone.get_by_role("article")).to_have_text([re.compile("before"), re.compile("after")])
    assert salon.said(first)[0] == "before"
    assert salon.said(first + 1) == ["after"]


def test_without_an_inbox_the_phone_says_what_to_do(chat: Chat) -> None:
    expect(chat.open().page.get_by_text("There is no inbox to write to")).to_be_visible()
    expect(chat.page.get_by_label("Message as the customer")).to_be_hidden()
