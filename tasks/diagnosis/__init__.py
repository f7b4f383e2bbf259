"""Is all well, and if not, what is to be done? Asks everything, changes nothing, shows no secret and nobody's words.

Each module has the checks of one subject; `doctor` has them in order.
"""
