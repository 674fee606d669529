"""`recarb cite`: whom a run has to thank."""

from typing import Annotated

import typer


def cite(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Output folder of a finished run, its provenance.json, or its run.toml: a path or "
            "a URL.",
            show_default=False,
        ),
    ],
    as_bibtex: Annotated[
        bool, typer.Option("--bibtex", help="Print BibTeX instead of text.")
    ] = False,
) -> None:
    """Print what to cite and to acknowledge: recarb, RothC, the protocol, and every data set.

    It says which inputs have no recorded origin: name those yourself.

    Examples:

        recarb cite kenya/out

        recarb cite kenya/out --bibtex > kenya.bib
    """
    from recarb.reports.citation import acknowledgements, bibtex, read_provenance

    record = read_provenance(run)
    typer.echo(bibtex(record) if as_bibtex else acknowledgements(record))
