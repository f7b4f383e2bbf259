"""What was measured, what it is compared with, and how far apart they may be."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = """\
| what | measured | compared with | ratio | limit | ok |
|---|---|---|---:|---:|---|
"""


@dataclass(frozen=True)
class Figure:
    value: float
    unit: str
    of: str

    def __str__(self) -> str:
        number = f"{self.value:.3g}" if self.value < 1000 else f"{self.value:,.0f}"
        return f"{number} {self.unit}: {self.of}"


@dataclass(frozen=True)
class Result:
    """A line of the table."""

    what: str
    measured: Figure
    compared: Figure
    limit: float | None = None
    """The ratio's; None: it is told and not judged."""

    @property
    def ratio(self) -> float:
        return self.measured.value / self.compared.value

    @property
    def is_ok(self) -> bool:
        return self.limit is None or self.ratio <= self.limit

    def __str__(self) -> str:
        limit, verdict = ("", "") if self.limit is None else (f"{self.limit:g}", "yes" if self.is_ok else "**no**")
        return f"| {self.what} | {self.measured} | {self.compared} | {self.ratio:.2f} | {limit} | {verdict} |"
