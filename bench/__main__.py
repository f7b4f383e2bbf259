"""`make bench`: every benchmark against its limit. Fails where one is exceeded."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench import age, asking, crowd, machine, neighbours, overhead, page, reception, workers
from bench.leftovers import none_left
from bench.product import Product, product
from bench.results import HEAD, Result
from sandbox.machine.endings import Ended, end_on_signals

BENCHMARKS: dict[str, Callable[[Product], list[Result]]] = {
    "overhead": overhead.measure,
    "asking": asking.measure,
    "crowd": crowd.measure,
    "neighbours": neighbours.measure,
    "age": age.measure,
    "reception": reception.measure,
    "workers": workers.measure,
}


def main() -> int:
    options = _options()
    chosen = [options.only] if options.only else list(BENCHMARKS)
    end_on_signals()
    try:
        with tempfile.TemporaryDirectory(prefix="contesta-bench-") as directory, none_left():
            return bench(chosen, Path(directory), writes=options.write and not options.only)
    except Ended:
        raise SystemExit("stopped") from None


def bench(chosen: Sequence[str], directory: Path, *, writes: bool) -> int:
    started, about = time.monotonic(), machine.description()
    print(f"{about}\n\n{HEAD}", end="", flush=True)
    results = list(_results(chosen, directory))
    seconds = time.monotonic() - started
    print(f"\nmeasured in {seconds:.0f} s")
    if writes:
        page.write(results, about, seconds)
    return 0 if all(result.is_ok for result in results) else 1


def _results(chosen: Sequence[str], directory: Path) -> Iterator[Result]:
    for name in chosen:
        with product(directory / name) as on:
            for result in _measured(name, on):
                print(result, flush=True)
                yield result


def _measured(name: str, on: Product) -> list[Result]:
    try:
        return BENCHMARKS[name](on)
    except AssertionError as error:  # what was waited for did not come
        raise SystemExit(f"{name}: {error}; the logs end so:\n{on.stack.logs()[-5000:]}") from error


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure everything once, each against its limit.")
    parser.add_argument("--write", action="store_true", help=f"write {page.PATH}, too")
    parser.add_argument("--only", choices=list(BENCHMARKS), help="one of them; nothing is written then")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
