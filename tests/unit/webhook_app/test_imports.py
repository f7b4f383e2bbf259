"""The web process receives; it does not think."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent
ENV = {
    "REDIS_URL": "redis://127.0.0.1:1",
    "CHATWOOT_API_URL": "http://127.0.0.1:1",
    "CHATWOOT_ACCOUNT_ID": "1",
    "CHATWOOT_INBOX_ID": "1",
    "CHATWOOT_API_TOKEN": "token",
    "CHATWOOT_WEBHOOK_SECRET": "secret",
}


def test_the_web_process_loads_no_langgraph() -> None:
    code = "import sys, webhook_app.wsgi; print(sorted({'langgraph', 'langchain_core', 'graph'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=ENV, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_process_without_settings_says_what_is_missing(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", "import webhook_app.wsgi"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "set CHATWOOT_API_URL; set CHATWOOT_ACCOUNT_ID" in done.stderr
    assert "set REDIS_URL" in done.stderr
