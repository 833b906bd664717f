"""How a phone number, and what may hold one, is shown where it must not be read: in every repr, log line and error."""

from __future__ import annotations


def mask_number(number: str | None) -> str:
    """
    Show enough of *number* to recognise it, and too little to dial it.

    Never raises: it is used while errors are being built.

    >>> mask_number("+12125550123")
    '+1…23'
    >>> mask_number("anonymous"), mask_number(None)
    ('…', '…')
    """
    if not number:
        return "…"
    digits = [character for character in number if character.isdigit()]
    if len(digits) < 6:
        return "…"
    plus = "+" if number.lstrip().startswith("+") else ""
    return f"{plus}{digits[0]}…{digits[-2]}{digits[-1]}"


def repr_masked(number: str | None) -> str:
    """Show *number* masked, as an attrs field's `repr`."""
    return repr(mask_number(number))


def without_text(error: BaseException) -> str:
    """
    Show an error of the host's code by its type and by where it was raised: its text may hold a number.

    >>> without_text(ValueError("+12125550123"))
    'ValueError at ?'
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else "?"
    return f"{type(error).__name__} at {where}"
