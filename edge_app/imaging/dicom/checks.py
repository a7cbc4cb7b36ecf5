"""What a DICOM header must say before the picture is decoded: an X-ray of a chest, from the front, for display."""

from edge_app.errors import FilmRefused, FilmUnreadable
from edge_app.imaging.dicom.header import Header
from edge_app.imaging.dicom.words import (
    CHEST_CODES,
    SIDE_CODES,
    names_another_part,
    names_front_view,
    names_side_view,
)
from edge_app.imaging.formats.base import check_size

MODALITIES = frozenset({"CR", "DX"})
# Storage classes of a CR or DX modality that hold no picture of a chest for display.
FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
OTHER_CLASSES = ("1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.1.3")  # mammography, intra-oral
GRAYSCALE = ("MONOCHROME1", "MONOCHROME2")
# Free texts about this one picture. The study's description is none: it speaks of all its films.
VIEW_TEXTS = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")


def check_header(header: Header, max_pixels: int, min_side_px: int) -> None:
    """Refuse what is no frontal film of a chest for display, or of a wrong size.

    Raises:
        FilmUnreadable: no picture, several, or too large.
        FilmRefused: for every other reason.
    """
    rows, columns = header.integer("Rows", 0), header.integer("Columns", 0)
    if rows < 1 or columns < 1:
        raise FilmUnreadable("no_pixels", "The DICOM file holds no picture: choose the film itself, not a report.")
    _check_modality(header)
    _check_part(header)
    _check_view(header)
    if header.integer("NumberOfFrames", 1) > 1:
        raise FilmUnreadable("several_frames", "The file holds several pictures; export one film per file.")
    photometric = header.text("PhotometricInterpretation").upper()
    if not photometric:
        raise FilmUnreadable("damaged", "The file does not say whether bright is dense: export the film again.")
    if header.integer("SamplesPerPixel", 1) != 1 or photometric not in GRAYSCALE:
        raise FilmRefused("colour_picture", "This is a colour picture, not an X-ray film.")
    check_size(columns, rows, max_pixels, min_side_px)


def _check_modality(header: Header) -> None:
    modality, storage_class = header.text("Modality").upper(), header.text("SOPClassUID")
    if modality not in MODALITIES:
        raise FilmRefused("not_an_xray", f"The file's modality is {modality[:16] or 'missing'}; CR and DX are read.")
    if storage_class == FOR_PROCESSING or header.text("PresentationIntentType").upper() == "FOR PROCESSING":
        raise FilmRefused(
            "for_processing", "The file holds raw data for processing: export or send the film for presentation."
        )
    if storage_class.startswith(OTHER_CLASSES):
        raise _not_a_chest()


def _check_part(header: Header) -> None:
    """An absent or unknown part passes: the picture itself is checked later."""
    regions = header.items("AnatomicRegionSequence")
    if any(region.text("CodeValue") in CHEST_CODES for region in regions):
        return
    parts = [header.text("BodyPartExamined"), *(region.text("CodeMeaning") for region in regions)]
    if any(names_another_part(part) for part in parts):
        raise _not_a_chest()


def _check_view(header: Header) -> None:
    codes = header.items("ViewCodeSequence")
    codes += [modifier for code in codes for modifier in code.items("ViewModifierCodeSequence")]
    stated = [*header.texts("ViewPosition"), *(code.text("CodeMeaning") for code in codes)]
    if names_side_view(stated) or any(code.text("CodeValue") in SIDE_CODES for code in codes):
        raise side_view()
    if not names_front_view(stated):
        described = [header.text(keyword) for keyword in VIEW_TEXTS]
        if names_side_view(described) and not names_front_view(described):
            raise side_view()


def _not_a_chest() -> FilmRefused:
    return FilmRefused("not_a_chest_film", "The file says that it shows another part of the body.")


def side_view() -> FilmRefused:
    """The refusal of a film that is not from the front."""
    return FilmRefused(
        "lateral_view", "The file says that this is a film from the side; films from the front are read."
    )
