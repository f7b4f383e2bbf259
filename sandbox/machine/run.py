"""`make run`: everything on this machine until Ctrl-C, with all logs in this terminal."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from sandbox.machine.logs import Show
from sandbox.machine.stack import Plan, Ports, Stack, StackError
from sandbox.machine.supervisor import SupervisorError

DIRECTORY = Path(".data")
# Ctrl-C, a stop by someone else, the terminal closed.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(Exception):
    """Somebody asked us to end."""


def main() -> None:
    for ending in ENDINGS:
        signal.signal(ending, _end)
    try:
        plan = Plan(
            directory=Path(os.environ.get("DATA_DIR", DIRECTORY)).resolve(),
            ports=Ports.usual(os.environ),
            given_redis_url=os.environ.get("REDIS_URL", ""),
        )
        run(plan)
    except Ended:
        with suppress(OSError):  # the terminal may be gone
            print("stopped", flush=True)
    except (StackError, SupervisorError) as error:
        raise SystemExit(str(error)) from error


def run(plan: Plan) -> None:
    """Run the plan's stack until somebody ends it.

    Raises:
        Ended: everything is stopped.
    """
    stack = Stack(plan, os.environ)
    show = Show(stack.supervisor.logs)
    try:
        with stack:
            show.new_lines()
            print(where_to_look(plan), flush=True)
            while stack.supervisor.is_alive:
                show.new_lines()
                time.sleep(0.2)
    finally:
        with suppress(OSError):
            show.new_lines()
    raise StackError("supervisord has ended")


def where_to_look(plan: Plan) -> str:
    return f"""
  Contesta is running. Ctrl-C stops it.

    Chat page   {plan.sandbox_url}/
                write as the customer, watch the agent's desk
    Flower      {plan.flower_url}/
                login {plan.flower_login.replace(":", " / ")}
    Webhooks    {plan.webhook_url}
    Redis       {plan.redis_url}
    Logs        {plan.directory}/logs
"""


def _end(number: int, frame: FrameType | None) -> None:
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # once is enough: from here on all is being stopped
    raise Ended


if __name__ == "__main__":
    main()
