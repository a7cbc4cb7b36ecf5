"""The patient's age from a DICOM header, in the forms that machines and people write it."""

import re
import unicodedata
from datetime import date, datetime

from edge_app.imaging.dicom.header import Header

DAYS_PER_YEAR = 365.25
DAYS_OF = {"D": 1.0, "W": 7.0, "M": DAYS_PER_YEAR / 12, "Y": DAYS_PER_YEAR}
# First letters of the unit in English, French, Spanish, Portuguese, Italian and German, to DICOM's unit. `J` is
# a year in German and a day in French: only longer words tell.
UNITS = {"D": "D", "W": "W", "S": "W", "M": "M", "Y": "Y", "A": "Y", "G": "D", "T": "D"}
UNIT_WORDS = {"JAHR": "Y", "JAHRE": "Y", "JOUR": "D", "JOURS": "D", "J": "Y", "MO": "M", "MTH": "M"}
NUMBER_AND_UNIT = re.compile(r"(\d+(?:[.,]\d+)?)\s*([A-Z]*)\.?")
UNIT_AND_NUMBER = re.compile(r"([A-Z]+)\s*(\d+(?:[.,]\d+)?)")
# The film's own date, the one nearest to the exposure first.
DATES = (
    "AcquisitionDate",
    "AcquisitionDateTime",
    "ContentDate",
    "StudyDate",
    "SeriesDate",
    "PerformedProcedureStepStartDate",
    "InstanceCreationDate",
)
OLDEST_YEARS = 120.0  # an anonymised file may say 1 January 1900
BUDDHIST_YEARS = 543


def age_years(header: Header, today: date | None = None) -> float | None:
    """The age at the film, None when the file does not say.

    The stated age and the birth date may disagree. Then the higher one counts: no adult is taken for a child.

    Args:
        today: stands for the film's date in a file that has none; by default, what the clock says.
    """
    ages = [parse_age(header.text("PatientAge")), _age_by_dates(header, today)]
    known = [age for age in ages if age is not None and age <= OLDEST_YEARS]
    return max(known, default=None)


def _age_by_dates(header: Header, today: date | None) -> float | None:
    born = parse_date(header.text("PatientBirthDate"))
    if born is None:
        return None
    seen = next(filter(None, (parse_date(header.text(keyword)) for keyword in DATES)), None)
    return years_between(born, seen or today or datetime.now().date())


def parse_age(text: str) -> float | None:
    """An age in years, from DICOM's own form (VR AS, PS3.5 section 6.2) or a form that people write.

    A number without a unit is in years. None when there is no number, or no known unit.
    """
    plain = _plain(text)
    parts = NUMBER_AND_UNIT.findall(plain)
    if not NUMBER_AND_UNIT.sub("", plain).strip(" ,;+"):
        units = [(number, _unit(word or "Y")) for number, word in parts]
    elif found := UNIT_AND_NUMBER.fullmatch(plain):
        units = [(found[2], _unit(found[1]))]
    else:
        return None
    if not units or any(unit is None for _, unit in units):
        return None
    return sum(float(number.replace(",", ".")) * DAYS_OF[unit or "Y"] for number, unit in units) / DAYS_PER_YEAR


def _unit(word: str) -> str | None:
    return UNIT_WORDS.get(word) or UNITS.get(word[0])


def parse_date(text: str) -> date | None:
    """A date: YYYYMMDD, with or without separators or a time; a day before a year; or a year, with or without a month.

    None when it is none. Of a year or a month alone, the first day counts, which makes the patient no younger.
    """
    plain = text.strip()
    for pattern, order in (
        (r"(\d{4})(\d{2})(\d{2})(?:\d.*)?", (0, 1, 2)),
        (r"(\d{4})[.\-/ ](\d{1,2})[.\-/ ](\d{1,2})(?:\D.*)?", (0, 1, 2)),
        (r"(\d{1,2})[.\-/ ](\d{1,2})[.\-/ ](\d{4})(?:\D.*)?", (2, 1, 0)),
        (r"(\d{4})[.\-/]?(\d{2})", (0, 1)),
        (r"(\d{4})", (0,)),
    ):
        if found := re.fullmatch(pattern, plain):
            year, month, day = (*(int(found[part + 1]) for part in order), 1, 1)[:3]
            return _date(year, month, day)
    return None


def _date(year: int, month: int, day: int) -> date | None:
    if month > 12 >= day:  # written month first
        month, day = day, month
    try:
        return date(year, month, day)
    except ValueError:
        return None


def years_between(born: date, seen: date) -> float | None:
    """Years between two dates; None when they are swapped. One of them may be in the Buddhist calendar."""
    days = (seen - born).days
    if days < 0 and born.year - seen.year > BUDDHIST_YEARS - OLDEST_YEARS - 1:
        days += round(BUDDHIST_YEARS * DAYS_PER_YEAR)
    elif days > 0 and seen.year - born.year >= BUDDHIST_YEARS:
        days -= round(BUDDHIST_YEARS * DAYS_PER_YEAR)
    return days / DAYS_PER_YEAR if days >= 0 else None


def _plain(text: str) -> str:
    """Upper case without accents and surrounding blanks."""
    parts = unicodedata.normalize("NFKD", text.strip().upper())
    return "".join(part for part in parts if not unicodedata.combining(part))
