"""python -m sandbox: a Chatwoot stand-in to run by hand. See --help."""

import argparse
import os
import signal
import threading

from sandbox import clock
from sandbox.server import Sandbox
from sandbox.version import NEWEST_RECORDED

# Whom the chat page begins with, too (sandbox/page/static/customers.js).
CUSTOMER = {"name": "Lucía", "phone_number": "+34623226544"}


def main() -> None:
    options = _parser().parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    sandbox = Sandbox(
        port=options.port,
        host=options.host,
        admin_token=options.admin_token,
        agent_token=options.agent_token,
        chatwoot_version=options.chatwoot_version,
        messages_per_second=options.messages_per_second,
        frontend_url=options.frontend_url,
        first_id=options.first_id,
    )
    _seed(sandbox, options)
    sandbox.lag.set(
        webhooks_s=options.webhook_lag,
        api_s=options.api_lag,
        channel_s=options.channel_lag,
        files_s=options.files_lag,
        seed=options.lag_seed,
    )
    with sandbox:
        print(f"sandbox {sandbox.url}", flush=True)
        stopped.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox",
        description="A stand-in for Chatwoot: account 1, Marta (administrator) and Pablo (agent), nothing else.",
    )
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "3000")), help="0: any free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--admin-token", default=os.environ.get("SANDBOX_ADMIN_TOKEN", "admin-token"))
    parser.add_argument("--agent-token", default=os.environ.get("SANDBOX_AGENT_TOKEN", "agent-token"))
    parser.add_argument(
        "--frontend-url", default=os.environ.get("FRONTEND_URL"), help="what attachments' addresses begin with"
    )
    parser.add_argument(
        "--like",
        "--chatwoot-version",
        dest="chatwoot_version",
        default=NEWEST_RECORDED,
        metavar="VERSION",
        help="play an older server, such as 4.8.0, or a newer one, such as 4.17",
    )
    parser.add_argument("--messages-per-second", type=float, help="a small Chatwoot: stores so many a second in all")
    for name, what in (
        ("--webhook-lag", "each webhook is late by a time of its own, such as 0-10 (seconds)"),
        ("--api-lag", "each API call takes a time of its own, such as 0.3-1.2"),
        ("--channel-lag", "each message is handed on to its channel by a job of its own, such as 0-0.5 later"),
        ("--files-lag", "one with files so much later, such as 2.5-7"),
    ):
        parser.add_argument(name, type=_span, default="0-0", metavar="LEAST-MOST", help=what)
    parser.add_argument("--lag-seed", type=int, metavar="N", help="the same lags at each start")
    parser.add_argument(
        "--first-id",
        type=_first_id,
        default=1,
        metavar="N|clock",
        help="of conversations and messages; clock: other ones at each start, for a bot that remembers the last",
    )
    demo = parser.add_argument_group("demo", "an inbox 1 'Chat' with an agent bot and an account webhook")
    demo.add_argument("--bot-token", default=os.environ.get("SANDBOX_BOT_TOKEN"), help="the bot's access token")
    demo.add_argument("--bot-url", default=os.environ.get("SANDBOX_BOT_URL"), help="where its webhooks go")
    demo.add_argument("--webhook-url", default=os.environ.get("SANDBOX_WEBHOOK_URL"), help="where the account's go")
    demo.add_argument("--conversation", type=int, metavar="N", help="a customer who has said nothing yet, in number N")
    demo.add_argument("--secret", default=os.environ.get("SANDBOX_SECRET"), help="signs both; random if not given")
    return parser


def _first_id(word: str) -> int:
    return clock.first_id() if word == "clock" else int(word)


def _span(words: str) -> tuple[float, float]:
    least_s, most_s = words.split("-")
    return float(least_s), float(most_s)


def _seed(sandbox: Sandbox, options: argparse.Namespace) -> None:
    """With any of the demo options: the inbox; with a bot's token or URL, the bot in it; with a URL, the webhook."""
    if not (options.bot_token or options.bot_url or options.webhook_url):
        return
    bot_id = None
    if options.bot_token or options.bot_url:
        bot = sandbox.add_agent_bot(
            name="Contesta",
            outgoing_url=options.bot_url,
            secret=options.secret,
            access_token=options.bot_token,
        )
        bot_id = bot.id
    inbox = sandbox.add_inbox(name="Chat", channel="api", agent_bot_id=bot_id)
    if options.conversation:
        customer = sandbox.add_contact(**CUSTOMER)
        sandbox.add_conversation(inbox_id=inbox.id, contact_id=customer.id, id=options.conversation)
    if options.webhook_url:
        sandbox.add_webhook(url=options.webhook_url, secret=options.secret)


if __name__ == "__main__":
    main()
