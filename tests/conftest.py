"""Hypothesis in all tests: no deadline, because compiling and a busy machine are no faults."""

from hypothesis import settings

settings.register_profile("recarb", deadline=None)
settings.load_profile("recarb")
