"""`make run`: everything on this machine until Ctrl-C, with all logs in this terminal."""

import os
import time
from contextlib import suppress
from pathlib import Path

from sandbox.machine import envfile
from sandbox.machine.endings import Ended, end_on_signals
from sandbox.machine.logs import Show
from sandbox.machine.stack import ROOT, Plan, Ports, Stack, StackError
from sandbox.machine.supervisor import SupervisorError

DIRECTORY = ".data"


def main() -> None:
    end_on_signals()
    try:
        plan = Plan(
            directory=Path(os.environ.get("DATA_DIR", DIRECTORY)).resolve(),
            ports=Ports.usual(os.environ),
            given_redis_url=os.environ.get("REDIS_URL", ""),
        )
        run(plan)
    except Ended:
        with suppress(OSError):
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
    print(f"starting {', '.join(stack.supervisor.logs)} …", flush=True)
    try:
        stack.start(watch=show.new_lines)
        with envfile.left_in(plan.directory, settings_of(plan)) as settings:
            print(where_to_look(plan, settings), flush=True)
            while stack.supervisor.is_alive:
                show.new_lines()
                time.sleep(0.2)
    finally:
        with suppress(OSError):  # the terminal may be gone
            print("stopping …", flush=True)
        stack.stop()
        with suppress(OSError):
            show.new_lines()
    raise StackError("supervisord has ended")


def settings_of(plan: Plan) -> dict[str, str]:
    return envfile.settings_of(plan.environment(os.environ), envfile.names_in(ROOT / ".env.example"))


def where_to_look(plan: Plan, settings: Path) -> str:
    return f"""
  Contesta is running. Ctrl-C stops it.

    Chat page   {plan.sandbox_url}/
                write as the customer, watch the agent's desk
    Flower      {plan.flower_url}/
                login {plan.flower_login.replace(":", " / ")}
    Webhooks    {plan.webhook_url}
    Redis       {plan.redis_url}
    Logs        {plan.directory}/logs
    By hand     celery -A tasks call …, flask …: see the README
                they read {settings}, not .env, as long as this runs
"""


if __name__ == "__main__":
    main()
