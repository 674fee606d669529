"""Hypothesis in all tests: no deadline, because compiling and a busy machine are no faults.

Where CI is set the examples are the same every time: a change is judged by what it changed. Whoever
works on recarb looks for new ones; one that fails becomes an `@example`.
"""

import os

from hypothesis import settings

settings.register_profile("recarb", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("recarb")
