"""The kit's errors. A message says what, got, expected and the next step.

KitError
├── FilmError            a film gave no answer; `code` is short and stable
│   ├── FilmUnreadable   it could not be decoded (status "error")
│   └── FilmRefused      it was decoded, but is not a film to score (status "rejected")
├── BundleError          a model file is damaged, incomplete or not the one its card describes
│   └── CardError        a field of its card is missing, of a wrong type or out of range
├── RuntimeUnavailable   no TFLite interpreter can be used on this machine
├── ChildFailed          a child process failed, crashed or took too long
├── StoreError           the record of drafts and reviews cannot be opened, read or written
├── ActRefused           somebody may not do this now; `code` names the sentence in the page's languages
│   ├── ReaderRefused    initials or PIN are wrong, or were wrong too often
│   └── ReviewRefused    what a reader would sign is not what is in the record now
├── DataError            a training data set is missing, empty or inconsistent
└── GateError            a converted model is worse than its budget allows
"""


class KitError(Exception):
    """Base of every error that the kit raises on purpose."""


class FilmError(KitError):
    """A film gave no answer.

    Args:
        code: short, stable, lower case with underscores, for programs and tests.
        sentence: one sentence for the reader: what is wrong and what to do.
    """

    status = "error"

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class FilmUnreadable(FilmError):
    """The file could not be decoded."""


class FilmRefused(FilmError):
    """The file was decoded, but it is not a film that the model may score."""

    status = "rejected"


class BundleError(KitError):
    """A model file is damaged, incomplete, or not the one that its card describes."""


class CardError(BundleError):
    """A field of a model's card, by its dotted name, is not what it must be; `got` and `expected` are in words."""

    code = "card_field"

    def __init__(self, field: str, got: str, expected: str) -> None:
        super().__init__(f"the card's {field} is {got}, expected {expected} ({self.code}): run convert again")
        self.field, self.got, self.expected = field, got, expected


class RuntimeUnavailable(KitError):
    """No TFLite interpreter can be used on this machine."""


class ChildFailed(KitError):
    """A child process of the kit failed, crashed or took too long.

    Args:
        reason: why, in words.
        code: its exit code if above 0, minus the signal if below 0, None if it did not answer in time.
        lines: what it wrote to standard error.
    """

    def __init__(self, reason: str, code: int | None = None, lines: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.code = code
        self.lines = lines


class StoreError(KitError):
    """The record of drafts and reviews cannot be opened, read or written."""


class ActRefused(KitError):
    """Somebody may not do this now.

    Args:
        code: short, stable, lower case with underscores; the page has a sentence for it in each language.
        sentence: the same in English, for commands and logs.
        values: what the page's sentence has gaps for.
    """

    def __init__(self, code: str, sentence: str, **values: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.values = values


class ReaderRefused(ActRefused):
    """Initials or PIN are wrong, or were wrong too often."""


class ReviewRefused(ActRefused):
    """What a reader would sign is not what is in the record now."""


class DataError(KitError):
    """A training data set is missing, empty or inconsistent."""


class GateError(KitError):
    """A converted model is worse than its budget allows."""
