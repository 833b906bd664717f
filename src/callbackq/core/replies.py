"""
Reading what a customer wrote: a text becomes a `Reply`. Nothing is decided here; see `core.conversation`.

A text is cut to TEXT_MAX characters. What it quotes of our own messages is left out: lines behind `>`, what follows
"… wrote:" in a mail, and the reactions of telephones (`Liked “…”`). Then case, accents, signs, emoji and characters
that nobody sees are taken away, and words remain.

========================================================  =====================================================
text                                                      what it says
========================================================  =====================================================
nothing but one word of a carrier (STOP, END, OPT-OUT)    OPT_OUT
nothing but CANCEL                                        CANCEL_AND_OPT_OUT
nothing but START, UNSTOP; YES of who has opted out       OPT_IN
nothing but HELP, INFO                                    HELP
"stop texting me", "unsubscribe", anywhere                OPT_OUT
"do not call me", "stop calling", anywhere                NO_CALLS; OTHER_TIME with "before", "today", …
a number of at most two digits (9, 9., #2, option 2)      `choice`
one time of day (3:15 pm), while a time is asked for      `times`
four to ten digits, while a code is asked for             `code`
a telephone number, while one is asked for, or with a     `number_text`, as it was written
word for NUMBER
words for something else                                  OTHER_TIME, CANCEL, NUMBER, STATUS, CALL, HELP, THANKS:
                                                          the first of these that is found
anything else                                             nothing: `wish` is None
========================================================  =====================================================

Rule 1: a phrase of several words counts anywhere in the text; a single word only in a text of at most SHORT words,
for "I had to cancel my subscription" cancels no callback. The longest phrase that begins at a word is taken.
Rule 2: what is negated ("do not cancel it") is not asked for. The wish to be left alone is hardly ever negated, and
is heard rather than not.
Rule 3: no text whatever raises, and the cost is bounded by TEXT_MAX.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from functools import lru_cache
from typing import Final
from unicodedata import category, decimal, normalize

import attrs

from callbackq.model import Question, ReplyWish
from callbackq.policy.reply_words import ALWAYS, carrier_words

TEXT_MAX: Final = 2000
"""What stands behind so many characters is not read."""
TOKENS_MAX: Final = 400
"""So many words are read."""
SHORT: Final = 8
"""In a text of so many words, a single word says what is wanted."""
CODE_LENGTHS: Final = range(4, 11)
NUMBER_DIGITS: Final = range(6, 21)
"""So many digits are handed on as a telephone number; whether it is one is not said here."""
WHOLE_NUMBER_DIGITS: Final = 9
"""With so many, "call me at …" names a number and no time."""


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


Words = Mapping[ReplyWish, Sequence[str]]
"""The free words and phrases of one or more languages, by what they ask for."""

_Tokens = tuple[str, ...]
_CANCEL: Final = "cancel"


@attrs.frozen(kw_only=True)
class Reply:
    """
    What a text says.

    Args:
        wish: what it asks for; None: nothing that is known.
        choice: the one number in it, if it is nothing but one number: 0 to 99.
        number_text: a telephone number in it, as it was written; to be read by `core.numbers`.
        code: the digits of a one-time code, in ASCII.
        times: what the one time of day in it may mean: 3:15 is two, 3:15 pm one. Only while a time is asked for.
        is_yes: it is nothing but a yes.
        is_reserved: it has a word that carriers take for an opt-out, or that asks for one.
    """

    wish: ReplyWish | None = None
    choice: int | None = None
    number_text: str | None = attrs.field(default=None, repr=False)
    code: str | None = attrs.field(default=None, repr=False)
    times: tuple[time, ...] = ()
    is_yes: bool = False
    is_reserved: bool = False


def all_words(*words: Words) -> Words:
    """
    Join the words of several languages. What means two things means the one that the first language says.

    >>> joined = all_words({ReplyWish.STATUS: ("wann",)}, {ReplyWish.STATUS: ("when",)})
    >>> joined[ReplyWish.STATUS]
    ('wann', 'when')
    """
    joined: dict[ReplyWish, tuple[str, ...]] = {}
    for each in words:
        for wish, phrases in each.items():
            joined[wish] = tuple(dict.fromkeys((*joined.get(wish, ()), *phrases)))
    return joined


def read_reply(
    text: str, *, words: Words, question: Question | None = None, opted_out: bool = False
) -> Reply:
    """
    Read what a customer wrote.

    Args:
        words: of the customer's language and of English (`all_words`); those in ALWAYS are known besides.
        question: what was asked and not answered yet. Only then are a time of day, a code and a bare telephone number
            looked for.
        opted_out: of messages: a YES brings them back then, and only then.

    Cost: 0.2 ms for a short text, 6 ms for the worst, with the words of four languages.

    >>> read_reply("Please stop texting me!", words={}).wish
    <ReplyWish.OPT_OUT: 'opt_out'>
    >>> read_reply("option 2, please", words={}).choice
    2
    """
    own = _own_part(text[:TEXT_MAX])
    said = _Said.of(own)
    reserved = any(token in _carrier_tokens().single for token in said.tokens)
    bare = _bare_wish(said.tokens, words=words, opted_out=opted_out)
    is_yes = set(said.tokens) <= _YES | _COURTESY and bool(_YES.intersection(said.tokens))
    if bare is not None:
        return Reply(wish=bare, is_yes=is_yes, is_reserved=reserved)
    if not said.tokens:
        return Reply(wish=ReplyWish.THANKS if _has_emoji(own) or own != text[:TEXT_MAX] else None)
    said = said.without(_PLEASE)
    hits = _hits(said, words)
    wish = _first(said, hits) or (ReplyWish.THANKS if is_yes else None)
    if not hits and said.tokens[:1] == ("stop",) and len(said.tokens) <= _STOPS:
        wish = ReplyWish.OPT_OUT  # "stop it", "stop 9".
    if wish in {ReplyWish.OTHER_TIME, ReplyWish.CALL} and _has_whole_number(own):
        wish = ReplyWish.NUMBER  # "call me at 212 555 0123", and not "call me at 3".
    asked = question is Question.WHICH_NUMBER or wish is ReplyWish.NUMBER
    free = wish in {None, ReplyWish.NUMBER, ReplyWish.THANKS, ReplyWish.HELP}
    return Reply(
        wish=wish,
        choice=_choice(said, hits),
        number_text=_number_text(own) if asked else None,
        code=_code(own) if question is Question.WHICH_CODE and free else None,
        times=_times(own, said) if question is Question.WHICH_TIME else (),
        is_yes=is_yes,
        is_reserved=reserved or wish in {ReplyWish.OPT_OUT, ReplyWish.NO_CALLS},
    )


# ---------------------------------------------------------------------------- what is the customer's own

_REACTION: Final = re.compile(
    r"\s*(?:liked|loved|disliked|emphasi[sz]ed|laughed at|questioned|removed an? [\w ]{1,30} from"
    r"|reacted \S{1,16} (?:to|with)|[^\w\s]{1,16} to)\s*[\"\u201c\u201e\u00ab].*",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED_FROM: Final = re.compile(
    r"^(?:>|-- ?$|-{2,} ?(?:original|forwarded|urspr|mensaje|message)|_{10,}"
    r"|(?:sent from|get outlook for|gesendet von|von meinem|envoy\u00e9 de|enviado desde) \w"
    r"|(?:on|am|le|el) [^\n]{4,120} (?:wrote|schrieb|\u00e9crit|escribi\u00f3)[^\n]{0,80}:\s*$)",
    re.IGNORECASE | re.MULTILINE,
)
_LONG_QUOTE: Final = re.compile(
    r"[\u201c\u201e\u00ab\"][^\u201c\u201d\u201e\u00ab\u00bb\"]{40,}[\u201d\u201c\u00bb\"]"
)


def _own_part(text: str) -> str:
    """Leave out what is quoted of our own message, which names words such as CANCEL."""
    if _REACTION.fullmatch(text):
        return ""
    quoted = _QUOTED_FROM.search(text)
    own = text if quoted is None else text[: quoted.start()]
    return _LONG_QUOTE.sub(" ", own)


def _has_emoji(text: str) -> bool:
    return any(category(char) in {"So", "Sk"} for char in text)


# ---------------------------------------------------------------------------- words

_UNSEEN: Final = frozenset({"Mn", "Me", "Cf"})
_APOSTROPHES: Final = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u00b4`\uff07", "'"))
_NOT_SHORT: Final = re.compile(r"(?<=n)'(?=t\b)")
_CLAUSE: Final = frozenset(".,;:!?\n\u3002\uff0c\u061f\u060c")
_TOKEN: Final = re.compile(r"\w+|[.,;:!?\n\u3002\uff0c\u061f\u060c]")


@attrs.frozen
class _Said:
    """The words of a text, and to which part between two stops each belongs."""

    tokens: _Tokens
    clauses: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> _Said:
        tokens: list[str] = []
        clauses: list[int] = []
        clause = 0
        for found in _TOKEN.findall(_plain(text)):
            if found in _CLAUSE:
                clause += 1
            elif len(tokens) < TOKENS_MAX:
                tokens.append(found)
                clauses.append(clause)
        return cls(tuple(tokens), tuple(clauses))

    def without(self, words: frozenset[str]) -> _Said:
        kept = [at for at, token in enumerate(self.tokens) if token not in words]
        return _Said(tuple(self.tokens[at] for at in kept), tuple(self.clauses[at] for at in kept))


def _plain(text: str) -> str:
    """Take away case, accents, emoji, and what nobody sees; write all digits in ASCII."""
    folded = normalize("NFKC", text.translate(_APOSTROPHES))[:TEXT_MAX].casefold()
    kept = (_plain_char(char) for char in normalize("NFKD", folded) if category(char) not in _UNSEEN)
    return _NOT_SHORT.sub("", "".join(kept)).replace("_", " ")


def _plain_char(char: str) -> str:
    value = decimal(char, None)
    return char if value is None else str(value)


@lru_cache(maxsize=4096)
def _tokens(phrase: str) -> _Tokens:
    return _Said.of(phrase).tokens


@lru_cache(maxsize=4096)
def _spoken(phrase: str) -> _Tokens:
    return _Said.of(phrase).without(_PLEASE).tokens


@attrs.frozen
class _Carriers:
    single: frozenset[str]
    opt_out: frozenset[_Tokens]
    opt_in: frozenset[_Tokens]
    help: frozenset[_Tokens]


@lru_cache(maxsize=1)
def _carrier_tokens() -> _Carriers:
    known = carrier_words()
    return _Carriers(
        frozenset(word for word in known.opt_out if word.isalpha()),
        frozenset(_tokens(word) for word in known.opt_out),
        frozenset(_tokens(word) for word in known.opt_in),
        frozenset(_tokens(word) for word in known.help),
    )


# ---------------------------------------------------------------------------- nothing but one word

_PLEASE: Final = _set_of("please pls plz bitte svp")
"""Stands anywhere, and means nothing."""
_STOPS: Final = 3
"""A text of so many words that begins with STOP is an opt-out."""
_COURTESY: Final = _set_of(
    "please pls plz thanks thank you thx ty hi hello hey bitte danke hallo merci svp bonjour gracias por favor hola"
    " sir madam"
)
_YES: Final = _set_of("yes y yep yeah yup sure ja jep oui si da")


def _bare_wish(tokens: _Tokens, *, words: Words, opted_out: bool) -> ReplyWish | None:
    """Return what a text asks for that is nothing but one word, or one word and a please."""
    carriers = _carrier_tokens()
    if tokens and set(tokens) == {_CANCEL}:
        return ReplyWish.CANCEL_AND_OPT_OUT
    for said in _bare_forms(tokens):
        if said != (_CANCEL,) and (said in carriers.opt_out or said in _phrases(words, ReplyWish.OPT_OUT)):
            return ReplyWish.OPT_OUT
        if said in carriers.opt_in:
            is_yes = said[0] in _YES
            return ReplyWish.THANKS if is_yes and not opted_out else ReplyWish.OPT_IN
        if said in _phrases(words, ReplyWish.OPT_IN):
            return ReplyWish.OPT_IN
        if said in carriers.help:
            return ReplyWish.HELP
    return None


def _bare_forms(tokens: _Tokens) -> Iterable[_Tokens]:
    """Yield the text itself, the text without courtesies, and the one word that is repeated in it."""
    yield tokens
    rest = tuple(token for token in tokens if token not in _COURTESY)
    if rest != tokens:
        yield rest
    if len(rest) > 1 and len(set(rest)) == 1:
        yield rest[:1]


def _phrases(words: Words, wish: ReplyWish) -> frozenset[_Tokens]:
    return frozenset(_tokens(phrase) for phrase in words.get(wish, ()))


# ---------------------------------------------------------------------------- phrases anywhere


@attrs.frozen
class _Hit:
    wish: ReplyWish
    start: int
    stop: int


_ANYWHERE: Final = frozenset({("unsubscribe",), ("stopall",), ("optout",)})
"""Single words that mean one thing wherever they stand."""
_LEFT_ALONE: Final = frozenset({ReplyWish.OPT_OUT, ReplyWish.NO_CALLS})
_ORDER: Final = (
    ReplyWish.OPT_OUT,
    ReplyWish.NO_CALLS,
    ReplyWish.OTHER_TIME,
    ReplyWish.CANCEL,
    ReplyWish.NUMBER,
    ReplyWish.STATUS,
    ReplyWish.CALL,
    ReplyWish.HELP,
    ReplyWish.THANKS,
)
_NEVER_FREE: Final = frozenset({ReplyWish.OPT_IN, ReplyWish.CANCEL_AND_OPT_OUT})
"""Asked for by nothing but one word."""


def _hits(said: _Said, words: Words) -> list[_Hit]:
    """Return the phrases in a text: from left to right, each the longest that begins there."""
    known = _known(words)
    longest = max(map(len, known))
    hits: list[_Hit] = []
    at = 0
    while at < len(said.tokens):
        hit = _hit_at(said, at, known=known, longest=longest)
        if hit is not None and _counts(said, hit):
            hits.append(hit)
        at = at + 1 if hit is None else hit.stop
    return hits


def _known(words: Words) -> Mapping[_Tokens, ReplyWish]:
    """Return what each phrase means; where it means two things, what stands first in `_ORDER`."""
    found: dict[_Tokens, ReplyWish] = {}
    for wish in _ORDER:
        for phrase in (*words.get(wish, ()), *ALWAYS.get(wish, ())):
            if tokens := _spoken(phrase):
                found.setdefault(tokens, wish)
    return found


def _hit_at(said: _Said, at: int, *, known: Mapping[_Tokens, ReplyWish], longest: int) -> _Hit | None:
    for length in range(min(longest, len(said.tokens) - at), 0, -1):
        wish = known.get(said.tokens[at : at + length])
        if wish is not None:
            return _Hit(wish, at, at + length)
    return None


def _counts(said: _Said, hit: _Hit) -> bool:
    phrase = said.tokens[hit.start : hit.stop]
    if hit.wish is ReplyWish.OPT_OUT and len(phrase) == 1 and phrase not in _ANYWHERE:
        return False  # "stop" in "the bus stop": alone, it was found before.
    if len(phrase) == 1 and phrase not in _ANYWHERE:
        spoken = sum(token not in _COURTESY for token in said.tokens)
        if spoken > SHORT:
            return False
    return hit.wish is ReplyWish.THANKS or not _is_negated(said, hit)


_NOT: Final = _set_of(
    "not dont never nicht kein keine keinen nie ne n plus jamais nunca cannot wont"
    " didnt doesnt havent hasnt nobody"
)
_NO: Final = _set_of("no nein non")
_BETWEEN: Final = _set_of(
    "to want need wish please ever my the you me it we i do does would like just pls bitte mich mir den die das"
    " le la les lo de d el mi mon ma quiero quiere veux"
)
"""What may stand between a negation and what is negated."""
_TELLERS: Final = _set_of("i you they we why who")
"""Before "do not call": who writes "why do you not call me" or "if you do not call me" waits for a call."""
_NOT_BEHIND: Final = _set_of("nicht pas")


def _is_negated(said: _Said, hit: _Hit) -> bool:
    if hit.wish in _LEFT_ALONE:
        before = said.tokens[max(hit.start - 1, 0) : hit.start]
        told = _TELLERS if hit.wish is ReplyWish.NO_CALLS else frozenset[str]()
        return bool((_NOT | told).intersection(before)) and _same_clause(said, hit.start - 1, hit)
    at = hit.start - 1
    while at >= 0 and _same_clause(said, at, hit) and said.tokens[at] in _BETWEEN:
        at -= 1
    if at >= 0 and _same_clause(said, at, hit) and said.tokens[at] in _NOT | _NO:
        return True
    behind = range(hit.stop, min(hit.stop + 2, len(said.tokens)))
    return any(said.tokens[at] in _NOT_BEHIND and _same_clause(said, at, hit) for at in behind)


def _same_clause(said: _Said, at: int, hit: _Hit) -> bool:
    return said.clauses[at] == said.clauses[hit.start]


_LIMITS: Final = _set_of(
    "before until till now today tonight yet after between right vor bis heute jetzt noch nach zwischen avant"
    " maintenant aujourd apres during while unless antes hasta hoy ahora despues"
)
"""Behind "do not call me": who says so wants to be called at another time."""
_HOUR: Final = re.compile(r"[0-9]{1,2}(?:am|pm|h)?")


def _first(said: _Said, hits: list[_Hit]) -> ReplyWish | None:
    """Return what is asked for: the first of what was found, in the order of `_ORDER`."""
    wishes = {_limited(said, hit) for hit in hits}
    wish = next((wish for wish in _ORDER if wish in wishes), None)
    if wish is ReplyWish.THANKS and not _is_mostly(said, hits):
        return None
    return wish


def _limited(said: _Said, hit: _Hit) -> ReplyWish:
    if hit.wish is not ReplyWish.NO_CALLS:
        return hit.wish
    behind = [token for token in said.tokens[hit.stop : hit.stop + 4] if token not in _BETWEEN | {"back"}]
    at_a_time = behind[:1] in (["at"], ["um"]) and behind[1:] and _HOUR.fullmatch(behind[1])
    return ReplyWish.OTHER_TIME if at_a_time or _LIMITS.intersection(behind[:1]) else ReplyWish.NO_CALLS


def _is_mostly(said: _Said, hits: list[_Hit]) -> bool:
    """Whether a text says hardly more than thanks: "thanks, but who are you?" is a question."""
    covered = {at for hit in hits for at in range(hit.start, hit.stop)}
    return sum(at not in covered and token not in _COURTESY for at, token in enumerate(said.tokens)) <= 2


# ---------------------------------------------------------------------------- digits

_CHOICE_WORDS: Final = _set_of(
    "option number no nr num choice press the one i take answer nummer wahl choix numero opcion"
)
_OF_TIMES: Final = frozenset({ReplyWish.OTHER_TIME, ReplyWish.CALL})
"""Behind their phrases a number is a time: "call me at 3" chooses nothing."""
_NUMBER_SIGNS: Final = frozenset(" \t()./-+\u00a0\u2009\u202f\u2010\u2011\u2012\u2013")
_EXTENSION: Final = re.compile(
    r"\s{0,3}(?:ext\.?|extension|x|#|;ext=)\s{0,3}[0-9]{1,7}(?![0-9])", re.IGNORECASE
)


def _choice(said: _Said, hits: list[_Hit]) -> int | None:
    """Return the one number of a text that is nothing else, but for a wish: "cancel 2"."""
    numbers = {token for token in said.tokens if token.isdecimal()}
    named = [hit for hit in hits if hit.stop - hit.start == 1 or hit.wish not in _OF_TIMES]
    covered = {at for hit in named for at in range(hit.start, hit.stop)}
    others = [
        token
        for at, token in enumerate(said.tokens)
        if token not in numbers and token not in _COURTESY | _CHOICE_WORDS and at not in covered
    ]
    if len(numbers) != 1 or others or len(said.tokens) > SHORT:
        return None
    (number,) = numbers
    return int(number) if len(number) <= 2 else None


def _runs(text: str) -> Iterable[tuple[int, int, str]]:
    """Yield where digits stand that belong together, and the digits in ASCII: "(212) 555-0123" is one run."""
    start, end, digits = -1, -1, ""
    for at, char in enumerate(text):
        value = decimal(char, None)
        if value is not None:
            start, end, digits = (
                (at, at + 1, str(value)) if start < 0 else (start, at + 1, f"{digits}{value}")
            )
        elif start >= 0 and char not in _NUMBER_SIGNS and category(char) not in _UNSEEN:
            yield start, end, digits
            start, digits = -1, ""
    if start >= 0:
        yield start, end, digits


_CLOCK: Final = re.compile(
    r"(?<![\d:./-])(\d{1,2})(?:[:.h](\d{2}))?\s?(?:([ap])\.?\s?m\b|(uhr|h|o clock)\b)?(?![\d:/-])"
)


def _times(text: str, said: _Said) -> tuple[time, ...]:
    """Return what the one time of day in a text may mean; nothing if there are several, or it is negated."""
    found = [
        each for each in _CLOCK.finditer(_plain(text).replace("'", " ")) if each[2] or each[3] or each[4]
    ]
    if len(found) != 1 or _NOT.intersection(said.tokens):
        return ()
    hour, minute, half = int(found[0][1]), int(found[0][2] or 0), found[0][3]
    if minute > 59 or hour > (12 if half else 24) or (half and not hour):
        return ()
    if half:
        return (time(hour % 12 + (12 if half == "p" else 0), minute),)
    return (time(hour, minute), time(hour + 12, minute)) if 1 <= hour < 12 else (time(hour % 24, minute),)


_DATE: Final = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")


def _has_whole_number(text: str) -> bool:
    whole = any(len(digits) >= WHOLE_NUMBER_DIGITS for _, _, digits in _runs(text))
    return whole and _DATE.search(text) is None


def _code(text: str) -> str | None:
    return next((digits for _, _, digits in _runs(text) if len(digits) in CODE_LENGTHS), None)


def _number_text(text: str) -> str | None:
    for start, end, digits in _runs(text):
        if len(digits) in NUMBER_DIGITS:
            first = start - 1 if text[max(start - 1, 0) : start] in {"+", "(", "\uff0b"} else start
            if text[max(first - 1, 0) : first] == "+":
                first -= 1
            extension = _EXTENSION.match(text, end)
            return text[first : end if extension is None else extension.end()]
    return None
