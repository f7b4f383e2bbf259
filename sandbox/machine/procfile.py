"""Reads `Procfile`, the table of the product's processes."""

from pathlib import Path

from sandbox.machine.supervisor import Program


def read(path: Path) -> tuple[Program, ...]:
    """The processes in the order of their lines, `name: shell line`."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return tuple(_program(line) for line in lines)


def _program(line: str) -> Program:
    name, _, command = line.partition(":")
    return Program(name.strip(), command.strip())
