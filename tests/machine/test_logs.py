"""What the terminal shows of several log files."""

from pathlib import Path

import pytest

from sandbox.machine.logs import Log, Show


def test_a_line_is_shown_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    log = Log(path)
    assert list(log.new_lines()) == []
    path.write_bytes("uno\ndós".encode()[:-2])  # in the middle of a letter
    assert list(log.new_lines()) == ["uno"]
    path.write_bytes("uno\ndós\n".encode())
    assert list(log.new_lines()) == ["dós"]
    assert list(log.new_lines()) == []


def test_a_log_that_was_turned_over_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    log = Log(path)
    path.write_text("a long line\n")
    assert list(log.new_lines()) == ["a long line"]
    path.rename(tmp_path / "web.log.1")
    path.write_text("new\n")
    assert list(log.new_lines()) == ["new"]


def test_each_line_stands_under_its_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("web", "worker"):
        (tmp_path / name).write_text(f"{name} is up\n")
    Show({name: tmp_path / name for name in ("web", "worker")}).new_lines()
    assert capsys.readouterr().out == "web    | web is up\nworker | worker is up\n"
