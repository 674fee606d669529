"""Errors, units, grids, configuration: what every other room stands on."""
