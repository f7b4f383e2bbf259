"""Queues and ties together: the conversation's mailbox and turn, and the Celery tasks that move them.

Importing it loads no LangGraph: the web process enqueues, it does not think.
"""

import sys
from pathlib import Path

# Celery's command line takes the working folder off the path again, and what else is on it may be named as ours is: a
# user's settings.py, graph/ or celeryconfig.py would be taken for ours. tests/integration/test_refused_graphs.py
sys.path.insert(0, str(Path(__file__).parents[1]))
