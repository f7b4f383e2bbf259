"""The machine that the figures are of."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil


def description() -> str:
    """One line, with the load by others at this moment: a noisy machine is told from a slow one."""
    memory_gb = psutil.virtual_memory().total / 2**30
    load, _, _ = os.getloadavg()
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory_gb:.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; load before the run {load:.1f}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
