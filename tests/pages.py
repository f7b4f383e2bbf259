"""What a page of the documentation names, and whether it is there: files, tests, commands, tasks, settings."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
FOLDERS = ("tasks", "graph", "chatwoot", "webhook_app", "cli", "sandbox", "bench", "tests", "docs")
PACKAGES = ("tasks", "graph", "chatwoot", "webhook_app", "cli", "bench")
MADE_BY_RUNNING = (".env", "run.env", ".venv/", ".data/")
"""Files that a clone does not have."""
WRITTEN_BY_WHO_READS = ("my_agent.py", "my_company/", "facts/")
"""Files of a reader's own, by the names that the pages give them."""
OTHERS_OWN = {"SAFE_FETCH_ALLOW_PRIVATE_NETWORK", "SSL_CERT_FILE", "FLASK_APP", "OPENAI_API_KEY"}
"""What Chatwoot, Python, Flask and a model's provider read."""

_FENCED = re.compile(r"^```(?:sh)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
_PYTHON = re.compile(r"^```python\n.*?^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(
    r"[\w.*/-]+\.(?:py|md|lua|ya?ml|toml|txt|in|json|tsv|png|js|css)|(?:[\w./]*/)?(?:run)?\.env(?:\.\w+)?|Procfile|LICENSE"
)
_IN_A_FOLDER = re.compile(rf"(?<![\w/.$}}-])(?:{'|'.join(FOLDERS)})/(?:[\w.*-]+/)*[\w.*-]*\w")
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
_TEST = re.compile(r"(?:([\w/]+\.py)::(?:Test\w+::)?)?\b(test_\w+)(?!\w*\.py)\b")
_SETTING = re.compile(r"(?<![\w.{/])(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b(?!\()|[A-Z]+(?==))")
_DOTTED = re.compile(rf"(?<![\w./])({'|'.join(PACKAGES)})\.([a-z]\w*)(?!\w*/)")
_COMMENTS = re.compile(r"(?:^|\s)#.*", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    path: Path
    text: str
    flask: Mapping[str, click.Command]
    """The commands that our app has registered."""

    def wrong(self) -> list[str]:
        """What it names and is not there."""
        return [*self._files(), *self._links(), *self._tests(), *self._commands(), *self._tasks(), *self._settings()]

    @property
    def _code(self) -> list[str]:
        """What stands between backticks, and in blocks of commands without their comments."""
        blocks = [_COMMENTS.sub("", block) for block in _FENCED.findall(self.text)]
        return [*blocks, *_INLINE.findall(_PYTHON.sub("", _FENCED.sub("", self.text)))]

    def _files(self) -> Iterator[str]:
        words = [word for code in _INLINE.findall(self.text) for word in code.split()]
        named = {match.group() for word in words if (match := _FILE.fullmatch(word.split("::")[0]))}
        for name in sorted(named | set(_IN_A_FOLDER.findall(self.text))):
            if not (name.startswith(MADE_BY_RUNNING + WRITTEN_BY_WHO_READS) or _is_there(name)):
                yield f"no file {name}"

    def _links(self) -> Iterator[str]:
        for target, heading in _LINK.findall(self.text):
            page = (self.path.parent / target).resolve() if target else self.path
            if not page.exists():
                yield f"no page {target}"
            elif heading and heading not in map(_anchor, re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)):
                yield f"no heading {target}#{heading}"

    def _tests(self) -> Iterator[str]:
        for code in self._code:
            for file, name in _TEST.findall(code):
                if name not in _tests_in(file or "."):
                    yield f"no test {name} {file and f'in {file}'}".strip()

    def _commands(self) -> Iterator[str]:
        code = "\n".join(self._code)
        for target in re.findall(r"^make ([a-z-]+)", code, re.MULTILINE):
            if f"\n{target}:" not in (ROOT / "Makefile").read_text():
                yield f"no make {target}"
        for module in re.findall(r"python -m ([\w.]+)", code):
            if importlib.util.find_spec(module) is None:
                yield f"no python -m {module}"
        for name, word in re.findall(r"\bflask ([a-z-]+)(?: ([a-z]+)\b)?", code):
            command = self.flask.get(name)
            if command is None or (word and isinstance(command, click.Group) and word not in command.commands):
                yield f"no flask {name} {word}".strip()

    def _tasks(self) -> Iterator[str]:
        for package, name in _DOTTED.findall("\n".join(self._code)):
            if f"{package}.{name}" not in _task_names() and not _is_module(package, name):
                yield f"no task or module {package}.{name}"

    def _settings(self) -> Iterator[str]:
        for name in _SETTING.findall("\n".join(self._code)):
            if name not in _setting_names() and name.removesuffix("_FILE") not in {*_setting_names(), "NAME"}:
                yield f"no setting {name}"


def _is_there(name: str) -> bool:
    """Under the project, or, where only the last part is named, anywhere in it."""
    return any(ROOT.glob(name)) or ("/" not in name and any(_anywhere(name)))


def _anywhere(name: str) -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob(name)


def _is_module(package: str, name: str) -> bool:
    return (ROOT / package / name).is_dir() or (ROOT / package / f"{name}.py").is_file()


@cache
def _tests_in(file: str) -> frozenset[str]:
    """The tests of one file, named whole or by its last part; of all files for `.`."""
    found = (ROOT / "tests").rglob(Path(file).name if file != "." else "test_*.py")
    texts = (path.read_text() for path in found if file == "." or str(path).endswith(f"/{file}"))
    return frozenset(name for text in texts for name in re.findall(r"def (test_\w+)\(", text))


@cache
def _task_names() -> frozenset[str]:
    sources = "".join(path.read_text() for path in (ROOT / "tasks").rglob("*.py"))
    return frozenset(re.findall(r'shared_task\(name="([\w.]+)"', sources))


@cache
def _setting_names() -> frozenset[str]:
    """The product's, and those of the programs around it: what make, `make run`, the sandbox and compose read."""
    product = re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    make = re.findall(r"^([A-Z_]+) [:?]?=", (ROOT / "Makefile").read_text(), re.MULTILINE)
    around = [*(ROOT / "sandbox").rglob("*.py"), *(ROOT / "tasks" / "runtime").glob("*.py")]
    read = [name for path in around for name in re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', path.read_text())]
    return frozenset({*product, *make, *read, *OTHERS_OWN})


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
