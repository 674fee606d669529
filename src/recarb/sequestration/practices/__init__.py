"""Practices of sustainable soil management: the library, and what a run makes of its entries."""
