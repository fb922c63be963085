"""One spelling for each character, so that no number hides behind another script or an invisible sign."""

import re
import unicodedata

_SPACES = re.compile(r"\s+")
_VULGAR = re.compile("[¼-¾⅐-⅞↉]")
_BEFORE = str.maketrans({"🔟": "10", "💯": "100", "٪": "%", "٫": ".", "٬": ","})
_AFTER = str.maketrans(
    {
        "\u2044": "/",
        "\u2212": "-",
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "–",
        "\u2015": "—",
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u00b4": "'",
        "`": "'",
        "\u201c": '"',
        "\u201d": '"',
        "*": "",
        "_": " ",
        "~": "",
    }
)
_EMPHASIS = re.compile(r"[*~]+|_+(?!\w)")
# Signs that turn the order of what is read around, or ring a bell.
_NO_TEXT = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_INVISIBLE = frozenset({"Cf", "Mn", "Me", "Cc", "Co", "Cn"})


def _plain(char: str) -> str:
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in _INVISIBLE:
        return ""
    return str(unicodedata.decimal(char)) if category == "Nd" else char


def visible(text: str) -> str:
    """Without the signs that format and are not seen: a full stop behind which only they stand ends its sentence."""
    plain = _EMPHASIS.sub("", text).replace("_", " ")
    return plain if plain.isascii() else "".join(char for char in plain if unicodedata.category(char) != "Cf")


def is_disguised(text: str) -> bool:
    """Whether a text has signs that make something else of it on a screen than what is read here."""
    return bool(_NO_TEXT.search(text))


def normalise(text: str) -> str:
    """NFKC, ASCII digits and quotes, no invisible or combining signs, no Markdown emphasis, one space at a time."""
    if text.isascii():
        return _SPACES.sub(" ", text.translate(_AFTER))
    spaced = _VULGAR.sub(lambda match: f" {match.group()} ", text.translate(_BEFORE))
    folded = unicodedata.normalize("NFKC", spaced)
    return _SPACES.sub(" ", "".join(map(_plain, folded)).translate(_AFTER))
