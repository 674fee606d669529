"""How tables are shown, on a terminal and where none says how wide it is."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

REDIRECTED_WIDTH = 200  # columns


def show_table(table: "Table") -> None:
    """Print a table; into a file or a pipe as wide as its longest rows need."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = REDIRECTED_WIDTH
    console.print(table)
