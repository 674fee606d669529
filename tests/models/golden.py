"""The golden runs of other models; their README says who computed them, and how."""

from functools import cache

import pandas as pd
from tests.realdata import data_folder

FOLDER = "models_golden"


@cache
def table(name: str) -> pd.DataFrame:
    """One file, as it is: "none" is a tillage, not a missing value."""
    path = data_folder() / FOLDER / f"{name}.csv"
    return pd.read_csv(path, keep_default_na=False)


def irrigated(text: str) -> list[bool]:
    """Twelve months of a text like "3-6"; "" is none."""
    if not text:
        return [False] * 12
    first, _, last = text.partition("-")
    return [int(first) <= month <= int(last or first) for month in range(1, 13)]
