"""Every error recarb raises on purpose.

RecarbError
├── ConfigError            run.toml or the command line asks for something that does not exist
├── InputError             a file or a value cannot be used as it is (also a ValueError)
│   ├── UnitError          the unit of a layer is unknown or cannot be converted
│   ├── GridMismatch       two maps do not lie on the same grid, or a grid is not usable
│   ├── OutOfRange         a value is impossible for its quantity
│   └── MissingData        a file, a band, a year or a table row is not there
├── SourceError            a data set could not be fetched; nothing of it is in the cache
│   ├── Unreachable        no server gave the file: line, server, name, or asked while offline
│   ├── WrongContent       a server answered with something else than the file
│   ├── ChecksumMismatch   the bytes are not those that were published or packed
│   └── LicenceRefused     the server wants an account, or a licence accepted, first
├── OutputError            a result could not be written; nothing stands under its final name
├── ClusterError           the workers of a cluster are gone, or are not fit for the run
└── ModelError
    ├── MassBalanceError   carbon in, carbon out and the change of the pools do not agree
    └── NotConverged       an iteration ended at its bound

A message says what was expected, what came, where (file, band, row/column, month) and what to do.
"""


class RecarbError(Exception):
    """Base of all errors that recarb raises on purpose."""

    exit_code = 1


class ConfigError(RecarbError):
    """The configuration or the command line asks for something that does not exist."""

    exit_code = 2


class InputError(RecarbError, ValueError):
    """A file or a value cannot be used as it is."""

    exit_code = 3


class UnitError(InputError):
    """The unit of a layer is unknown or cannot be converted to the one needed."""


class GridMismatch(InputError):
    """Two maps do not lie on the same grid, or a grid cannot be used."""


class OutOfRange(InputError):
    """A value is impossible for its quantity."""


class MissingData(InputError):
    """A file, a band, a year or a table row is not there."""


class SourceError(RecarbError):
    """A data set could not be fetched; nothing of it is in the cache."""

    exit_code = 4


class Unreachable(SourceError):
    """No server gave the file: the line, the server, its name, or asked while offline."""


class WrongContent(SourceError):
    """A server answered with something else than the file: a web page, half of it, nonsense."""


class ChecksumMismatch(SourceError):
    """The bytes are not those that were published or packed."""


class LicenceRefused(SourceError):
    """The server wants an account, or a licence accepted, first."""


class OutputError(RecarbError):
    """A result could not be written; nothing stands under its final name."""

    exit_code = 6


class ClusterError(RecarbError):
    """The workers of a cluster are gone, or are not fit for the run."""

    exit_code = 7


class ModelError(RecarbError):
    """The model did not give a result that can be trusted."""

    exit_code = 5


class MassBalanceError(ModelError):
    """Carbon in, carbon out and the change of the pools do not agree."""


class NotConverged(ModelError):
    """An iteration ended at its bound."""
