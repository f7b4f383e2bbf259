"""Benchmarks, each against its limit, in one run: ratios and counts, never times, which are another machine's."""
