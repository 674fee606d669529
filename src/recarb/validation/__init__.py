"""Modelled against measured stocks, on maps and at sites; and parameters fitted to sites."""
