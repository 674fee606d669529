"""Benchmarks of recarb: `python -m bench` from the root of the repository.

A benchmark is a module with one function, `measured(size, work) -> list[Record]`, named in
`bench.benchmarks.MODULES`; a module that is not written yet is told and left out. The cases are
synthetic, and every file of theirs says so.
"""
