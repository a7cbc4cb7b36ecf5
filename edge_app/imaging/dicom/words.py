"""Body parts and views as headers name them: by DICOM's terms, by codes, and by people's words in several languages."""

import re
import unicodedata
from collections.abc import Iterable

# Beginnings of words, in English, French, Spanish, Portuguese, Italian, German, Dutch, Swedish, Polish, Turkish
# and Indonesian, without accents.
CHEST = (
    "CHEST", "CXR", "THORA", "THOR", "TORA", "TORAX", "LUNG", "LNG", "PULMO", "POUMON", "POLMON", "PECHO", "PEITO",
    "BRUST", "RIB", "KLATKA", "GOGUS", "AKCIGER", "DADA", "PARU", "HEMITHOR", "HEMITOR", "BRONCH", "MEDIASTIN",
    "HEART", "WHOLEBODY", "KIFUA", "BABYGRAM",
)  # fmt: skip
# Other parts. A word in neither list says nothing that the kit understands: the picture itself is then checked.
OTHER_PARTS = (
    "ABDOM", "ACETABUL", "ADRENAL", "ANKLE", "ARM", "BAUCH", "BECKEN", "BLADDER", "BRAIN", "BREAST", "BUTTOCK",
    "CADERA", "CALCAN", "CARPAL", "CEREBR", "CERVIC", "CHEVILLE", "CLAVIC", "COCCYX", "CODO", "COLON", "COLONNA",
    "COLUMN", "COU", "COUDE", "CRAN", "CSPINE", "CUELLO", "DENT", "DIGIT", "DOIGT", "DUODEN", "ELBOW", "ELLBOGEN",
    "EPAULE", "ESOPHAG", "EXTREM", "EYE", "FACE", "FACIAL", "FEMUR", "FEMOR", "FIBUL", "FINGER", "FOOT", "FOREARM",
    "FUSS", "GALLBL", "GENOU", "GINOCCHIO", "HANCHE", "HAND", "HEAD", "HIP", "HOMBRO", "HUFTE", "HUMER", "ILIUM",
    "ILEUM", "JAW", "JEJUN", "JOELHO", "KIDNEY", "KNEE", "KNIE", "KOPF", "LARYNX", "LEG", "LIVER", "LSPINE", "LUMB",
    "MAIN", "MANDIB", "MANO", "MAO", "MASTOID", "MAXILL", "METACARP", "METATARS", "MUNECA", "NECK", "NASAL", "NOSE",
    "OMBRO", "ORBIT", "PANCREA", "PARIET", "PATELL", "PELV", "PHALAN", "PIE", "PIED", "PIERNA", "PLUIE", "POIGNET",
    "PROSTAT", "PULSO", "PUNHO", "QUADRIL", "RACHIS", "RADIUS", "RECTUM", "RENAL", "RODILLA", "SACR", "SCAPUL",
    "SCHADEL", "SCHULTER", "SELLA", "SHOULDER", "SINUS", "SKULL", "SPALLA", "SPINE", "SPLEEN", "SSPINE", "STERN",
    "STOMACH", "TARS", "TEETH", "TESTI", "THIGH", "THUMB", "TIBIA", "TMJ", "TOBILLO", "TOE", "TOOTH", "TORNOZELO",
    "TSPINE", "ULNA", "UMERO", "URETER", "URETHR", "UTER", "VERTEB", "VIENTRE", "WIRBEL", "WRIST", "ZYGOMA",
)  # fmt: skip
# Parts that a word of CHEST begins, but whose picture is another one.
NOT_CHEST = ("THORACIC SPINE", "THORACOLUMBAR", "THORACO LUMBAR", "THORACICSPINE", "TORACOLUMBAR")
CHEST_CODES = frozenset(
    (
        "T-D3000", "51185008", "816094009", "T-28000", "39607008", "T-D3300", "72410000", "T-32000", "80891009",
        "T-11300", "113197003", "T-D0010", "38266002", "R-FAB52", "417437006", "R-FAB53", "416152001", "R-FAB55",
        "416550000", "R-FAB56", "416775004", "R-FAB54", "416319003", "T-280A0", "86598002",
    )
)  # fmt: skip

SIDE_WORDS = (
    "LATERAL", "LAT", "LATER", "LL", "RL", "LLAT", "RLAT", "LTLAT", "RTLAT", "LLD", "RLD", "LLO", "RLO", "OBL",
    "OBLIQ", "LAO", "RAO", "LPO", "RPO", "DECUB", "PROFIL", "PROFILE", "PERFIL", "SEITLICH", "SEITE", "SIDE",
    "SIDEVIEW", "XTABLE", "CROSSTABLE", "LATLAT", "LATEROLATERAL", "SAGITTAL", "TANGENTIAL", "AXIAL", "SAMPING",
)  # fmt: skip
FRONT_WORDS = frozenset({"PA", "AP", "FRONTAL", "FRONT", "DV", "VD", "FACE", "POSTEROANTERIOR", "ANTEROPOSTERIOR"})
SIDE_CODES = frozenset(
    (
        "R-10236", "399173006", "R-10232", "399198007", "R-102CD", "399067008", "R-10228", "399352003", "R-10224",
        "399260004", "R-10204", "399160007", "R-10208", "399312000", "R-10210", "399038007", "R-10212", "399006002",
        "R-10216", "399059000", "R-10220", "399135007", "R-40985", "399356000", "R-10234", "399236003", "R-10238",
        "399184004", "R-102C1", "399182000", "R-10226", "399368009", "R-10230", "399099002", "R-40783", "260427002",
        "R-40782", "260426006", "R-10250", "399225005", "R-10248", "399288005", "R-10246", "399004004", "R-10252",
        "399132005", "R-10254", "399325008", "R-10241", "399061009", "R-102C2", "399110001", "G-A145", "30730003",
        "G-A138", "G-A147", "24422004",
    )
)  # fmt: skip


def plain_words(text: str) -> list[str]:
    """The words of a text in upper case without accents; a lower case letter before an upper case one ends a word."""
    parts = unicodedata.normalize("NFKD", re.sub(r"([a-z])([A-Z])", r"\1 \2", text))
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return re.findall(r"[^\W\d_]+", bare.upper().replace("Ł", "L").replace("ı", "I"))


def names_another_part(text: str) -> bool:
    """Whether a text names a part of the body, and none that a chest film shows."""
    words = plain_words(text)
    if any(" ".join(words).startswith(part) for part in NOT_CHEST):
        return True
    if any(word.startswith(CHEST) for word in words):
        return False
    return any(word.startswith(OTHER_PARTS) for word in words) and "UNKNOWN" not in words


def names_side_view(texts: Iterable[str]) -> bool:
    """Whether a view is said to be from the side, or oblique."""
    return any(word in SIDE_WORDS or word.startswith(("LATERA", "OBLIQ", "DECUB")) for word in _words(texts))


def names_front_view(texts: Iterable[str]) -> bool:
    """Whether a view is said to be from the front or the back."""
    return not FRONT_WORDS.isdisjoint(_words(texts))


def _words(texts: Iterable[str]) -> list[str]:
    return [word for text in texts for word in plain_words(text)]
