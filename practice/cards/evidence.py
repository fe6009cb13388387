"""What counts as evidence: words bound in one statement that nobody guesses. Pure functions of text."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

NUMBER, DAY, SETTING, MARK = "numbers", "days", "settings", "names"
MOST = {NUMBER: 24, DAY: 1, SETTING: 2, MARK: 12}
"""How many of a kind an answer may hold all in all, when it is one of the kind that shows something."""
MOST_CHARACTERS = 4000
"""Of an answer, blanks of a table left out: all that a command said does not tell what was seen in it."""
_KINDS = (
    (NUMBER, re.compile(r"\d+(\.\d+)?%?")),
    (DAY, re.compile(r"\d{4}-\d\d-\d\d")),
    (SETTING, re.compile(r"PREFLIGHT_\w+", re.IGNORECASE)),
    (MARK, re.compile(r".*[\d_].*")),
)
_TOKEN = re.compile(r"\w(?:[\w.-]*\w)?%?")
_PERCENT = re.compile(r"(?<=\d)\s*(?:%|per ?cent\b)")
_END = re.compile(r"[;{}]|[.!?](?=\s|$)|\n\s*\n")


@dataclass(frozen=True)
class Sign:
    """Words that show that somebody looked, when they stand in one statement; of `a|b` one is enough.

    A hash, a batch or a flight is a sign alone. A small number needs what it belongs to, and `others` says how many
    more numbers statements about that may hold: a rule has bounds of its own, as in "exactly 3, got 2". Days that are
    `known` to everybody are not counted.
    """

    words: tuple[str, ...]
    others: int = 2
    known: tuple[str, ...] = ()

    def filled(self, facts: Mapping[str, str]) -> "Sign":
        """With the facts of a dealing in it."""
        words, known = (tuple(word.format_map(facts) for word in texts) for texts in (self.words, self.known))
        return replace(self, words=words, known=known)

    def __str__(self) -> str:
        return " with ".join(word.replace("|", " or ") for word in self.words)


@dataclass(frozen=True)
class Judged:
    """Whether a text shows that somebody looked, and why."""

    shows: bool
    reason: str


def judge(text: str, signs: Sequence[Sign]) -> Judged:
    """Whether a text holds one of the signs, and not so much of its kind that it was not seen but listed."""
    said = _PERCENT.sub("%", re.sub(r"[^\S\n]+", " ", text.strip()))
    if len(said) > MOST_CHARACTERS:
        return Judged(False, f"it is {len(said)} characters long: the line that decides is enough")
    too_many = ""
    for sign in signs:
        stated = [one for one in _statements(said) if holds(one, sign)]
        listed = _listed(said, stated, sign) if stated else ""
        if stated and not listed:
            return Judged(True, f"it quotes {sign}, which only who looked can know")
        too_many = too_many or listed
    if too_many:
        return Judged(False, f"{too_many}: who looked can say the one that decides, beside what it belongs to")
    apart = next((sign for sign in signs if holds(said, sign)), None)
    if apart:
        return Judged(False, f"it has to say in one statement what belongs together: {apart}")
    return Judged(False, f"it has to quote what was seen here: {' or '.join(dict.fromkeys(map(str, signs)))}")


def holds(text: str, sign: Sign) -> bool:
    """Whether all words of a sign are in a text."""
    return all(_holds(text, word) for word in sign.words)


def quotes(text: str, word: str) -> bool:
    """Whether a text quotes a word or a few, in whatever case and however its lines are broken.

    A number has to stand alone; anything else has to begin where a word does.

    >>> quotes("the registry says version 13", "3"), quotes("the registry says version 3.", "3")
    (False, True)
    >>> quotes("at least 0.3, got 0", "3"), quotes("at least 0.3", "0"), quotes("1-2-3", "2")
    (False, False, False)
    >>> quotes("labels of 41 % are known", "41%"), quotes("SHA-256 ab12cd34ef56..., expected", "AB12CD34")
    (True, True)
    """
    if not word.strip():
        return False
    if _kind(word) == NUMBER:
        return word in _tokens(text)
    parts = r"\s+".join(map(re.escape, word.split()))
    return re.search(rf"(?<!\w){parts}", text, re.IGNORECASE) is not None


def _holds(text: str, word: str) -> bool:
    return any(quotes(text, one) for one in _alternatives([word]))


def _statements(text: str) -> list[str]:
    """Each statement, then each with the one after it, as "The registry says 3. The log says 4." is one thought.

    >>> _statements("a 1, b 2; c. d")
    ['a 1, b 2', ' c', ' d', 'a 1, b 2; c', ' c; d']
    """
    alone = [one for one in _END.split(text) if one.strip()]
    return [*alone, *(f"{one};{after}" for one, after in pairwise(alone))]


def _listed(text: str, stated: Sequence[str], sign: Sign) -> str:
    """What is wrong with a text that lists what may be, empty when nothing is; `stated` are statements of the sign."""
    kinds = {_kind(word) for word in _alternatives(sign.words)}
    subjects = [word for word in sign.words if not {NUMBER, DAY} & set(map(_kind, _alternatives([word])))]
    about = " ; ".join(one for one in _END.split(text) if any(_holds(one, word) for word in subjects))
    numbers = min((_of_kind(NUMBER, f"{one} ; {about}") for one in stated), key=len)
    needed = sum(NUMBER in map(_kind, _alternatives([word])) for word in sign.words)
    if NUMBER in kinds and len(numbers) > needed + sign.others:
        return f"it lists {len(numbers)} numbers where {needed} would do"
    for kind, most in MOST.items():
        found = _of_kind(kind, text) - set(sign.known)
        if kind in kinds and len(found) > most:
            return f"it lists {len(found)} {kind} where one would do"
    return ""


def _alternatives(words: Iterable[str]) -> list[str]:
    return [one for word in words for one in word.split("|")]


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(_PERCENT.sub("%", text))


def _of_kind(kind: str, text: str) -> set[str]:
    if kind in (DAY, SETTING):  # also in the name of a file that begins with it
        return {found[0].lower() for found in dict(_KINDS)[kind].finditer(text)}
    return {token.lower() for token in _tokens(text) if _kind(token) == kind}


def _kind(token: str) -> str:
    """The kind of a token of which there are many alike, empty for an ordinary word."""
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(token)), "")
