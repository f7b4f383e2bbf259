"""Everything on one machine: an embedded Redis, the sandbox and the product's processes under a supervisor.

What `make run` and `make demo` start, and where tests get a real Redis from. Knows the product by its
commands (`Procfile`) and its environment only.
"""
