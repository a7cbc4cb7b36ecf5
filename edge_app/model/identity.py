"""Which model answered: what an answer, a record and a report say of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelIdentity:
    """Name and version from the model's card; `sha256` of its file, 64 hexadecimal digits."""

    name: str
    version: str
    sha256: str
