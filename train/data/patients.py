"""Which films are of one patient, by their names and folders.

A patient in two parts of a split makes every figure too good. So, of the rules that fit, the one that joins films
is taken; it is printed, and `--patients` gives another.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from edge_app.errors import DataError

PUBLISHED = re.compile(r"(person\d+|NORMAL2-IM-\d+|IM-\d+)")
BEFORE_LAST_NUMBER = re.compile(r"(.*\d.*)[ _.-]+[a-z]*\d+[a-z]*", re.IGNORECASE)
MOST_FILMS_EACH = 10  # on average: what joins more names a batch or a year and no patient
FILE, FOLDER = "file", "folder"
Rule = Callable[[PurePosixPath], str]


def name_patients(places: Sequence[str], rule: str = "", depth: int = 0) -> tuple[list[str], str]:
    """The patient of each film, and the sentence that says by which rule.

    A film that the rule does not fit is of a patient of its own.

    Args:
        places: paths of the films in their data set; no two are the same.
        rule: `file` (each film is of its own patient), `folder`, or a regular expression with one group, searched in
            the place. By default the first that fits: published names, sub-folders, names before their last number.
        depth: folders above the sub-folders that may be patients: those of the part and the class.
    Raises:
        DataError: the regular expression is none, has not one group, or fits no film.
    """
    paths = [PurePosixPath(place) for place in places]
    rules = [_given(rule, depth)] if rule else _guesses(depth)
    tried = [(said, [of(path) for path in paths], of is _published) for said, of in rules]
    said, found, _ = next((one for one in tried if _fits(*one[1:])), tried[-1])
    if rule and rule != FILE and not any(found):
        raise DataError(f"--patients {rule!r} fits none of {len(places)} films, such as {places[0] if places else ''}")
    patients = [patient or place for patient, place in zip(found, places, strict=True)]
    alone = f"; {found.count('')} fit no rule and are patients of their own" if 0 < found.count("") < len(found) else ""
    end = "" if rule else " (--patients gives another rule)"
    return patients, f"{len(places)} films of {len(set(patients))} patients: {said}{alone}{end}"


def _guesses(depth: int) -> list[tuple[str, Rule]]:
    return [
        ("names as person12_ and IM-0012- say the patient", _published),
        _given(FOLDER, depth),
        ("what stands before the last number of a name is the patient, as p12 in p12_3.png", _before_last_number),
        _given(FILE, depth),
    ]


def _given(rule: str, depth: int) -> tuple[str, Rule]:
    if rule == FILE:
        return "each film counts as a patient of its own", lambda _: ""
    if rule == FOLDER:
        return "each sub-folder is a patient", lambda path: "".join(path.parts[depth:-1][:1])
    try:
        pattern = re.compile(rule)
    except re.error as cause:
        raise DataError(f"--patients {rule!r} is no regular expression: {cause}") from cause
    if pattern.groups != 1:
        raise DataError(f"--patients {rule!r} has {pattern.groups} groups, expected one, which is the patient")
    return f"{rule!r} finds the patient", lambda path: _group(pattern.search(path.as_posix()))


def _fits(found: list[str], published: bool) -> bool:
    """Whether a guess is likely: it knows most films and, if no publisher's, joins some and not too many."""
    known = [patient for patient in found if patient]
    joins = len(set(known)) < len(known) <= MOST_FILMS_EACH * len(set(known))
    return 2 * len(known) > len(found) and (joins or published)


def _published(path: PurePosixPath) -> str:
    return _group(PUBLISHED.match(path.name))


def _before_last_number(path: PurePosixPath) -> str:
    return _group(BEFORE_LAST_NUMBER.fullmatch(path.stem))


def _group(found: re.Match[str] | None) -> str:
    return (found.group(1) or "") if found else ""
