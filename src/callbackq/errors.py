"""
Every error that callbackq raises on purpose. Each answers one question: is it safe to try again?

::

    CallbackqError                        base of all
    ├── ConfigurationError (ValueError)     a setting contradicts itself; raised when built      not as it is
    │   ├── SettingWrong                      one value of a settings file: .file, .line
    │   └── SettingsInvalid                   a settings file holds mistakes: .problems
    ├── RequestRefused                      understood and declined; nothing was stored          not as it is
    │   ├── InvalidNumber (ValueError)        not a phone number that can be dialed
    │   │   ├── NumberRefused                   must not be dialed; .problem, .alternatives
    │   │   └── NumberNeeded                    none was given, and the caller id is withheld: ask
    │   ├── InvalidTime (ValueError)          naive, out of range, or in the future
    │   ├── InvalidText (ValueError)          an id or a text that is empty, too long or unprintable
    │   ├── InvalidPriority (ValueError)      not a whole number from 0 to 255
    │   ├── DuplicateCallback                 this person already has one; .existing_id, .choices
    │   ├── RequestKeyReused                  the key belongs to a different request
    │   ├── CallHasEnded                      the live call is over; it has no place to give
    │   ├── SlotUnavailable                   full, past, closed or off the grid; .alternatives
    │   ├── NoShowsTooMany                    missed several chosen times: needs confirmation
    │   ├── NotVerified                       the number must be proved by a one-time code first
    │   ├── CodeWrong                         not the code that was sent, or it is over; .tries_left
    │   ├── TooManyRequests                   a limit is reached; .again_at                       later
    │   ├── CallForbidden                     do-not-call, or the customer opted out of calls
    │   └── NotPossibleNow                    the record is in a state that forbids the command
    ├── NotFound (LookupError)              no such record in this tenant                         not as it is
    │   ├── UnknownQueue
    │   ├── CallbackNotFound
    │   ├── CallNotFound
    │   ├── AgentNotFound
    │   ├── BookingNotFound
    │   ├── VerificationNotFound
    │   ├── MessageNotFound
    │   └── AttemptNotFound
    ├── Conflict                            somebody else was first                               yes
    │   ├── StaleVersion
    │   └── UniquenessViolated
    ├── StoreError                          the driver's error is in __cause__
    │   ├── StoreUnavailable                  certainly nothing was written                       yes
    │   ├── CommitUncertain                   may have been written: read before trying again     no
    │   └── SchemaMismatch                    the store was written by another version            no
    └── AdapterError                        raised BY adapters, understood by drivers
        ├── DialRefused                       certainly not placed                                yes
        ├── DialUncertain                     may ring: never dialed again blindly                no
        ├── MessageRefused                    certainly not sent; .problem                        yes
        │   ├── MessageImpossible               nor ever will be, by this channel                 no
        │   └── RecipientOptedOut               the provider knows of an opt-out                  no
        ├── CodeNotSent                       a one-time code could not be sent: ask for another  yes
        └── TelephonyDown                     cannot be reached now; nothing was done             yes

Any other exception out of callbackq is a bug.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from callbackq.ids import CallbackId

__all__ = [
    "AdapterError",
    "AgentNotFound",
    "AttemptNotFound",
    "BookingNotFound",
    "CallForbidden",
    "CallHasEnded",
    "CallNotFound",
    "CallbackNotFound",
    "CallbackqError",
    "CodeNotSent",
    "CodeWrong",
    "CommitUncertain",
    "ConfigurationError",
    "Conflict",
    "DialRefused",
    "DialUncertain",
    "DuplicateCallback",
    "InvalidNumber",
    "InvalidPriority",
    "InvalidText",
    "InvalidTime",
    "MessageImpossible",
    "MessageNotFound",
    "MessageRefused",
    "NoShowsTooMany",
    "NotFound",
    "NotPossibleNow",
    "NotVerified",
    "NumberNeeded",
    "NumberRefused",
    "RecipientOptedOut",
    "RequestKeyReused",
    "RequestRefused",
    "SchemaMismatch",
    "SettingWrong",
    "SettingsInvalid",
    "SlotUnavailable",
    "StaleVersion",
    "StoreError",
    "StoreUnavailable",
    "TelephonyDown",
    "TooManyRequests",
    "UniquenessViolated",
    "UnknownQueue",
    "VerificationNotFound",
]


class CallbackqError(Exception):
    """Something went wrong in callbackq."""

    retry_safe: ClassVar[bool] = False
    """Whether the same call may be made again as it is, without any risk of doing a thing twice."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or type(self).__name__)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[CallbackqError], args: tuple[Any, ...], fields: dict[str, Any]) -> CallbackqError:
    """Build an error again in another process, without making its message a second time."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error


class ConfigurationError(CallbackqError, ValueError):
    """A setting contradicts itself or another one."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field} is {value!r}; allowed: {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed


class SettingWrong(ConfigurationError):
    """
    One value of a settings file is not as it must be.

    `file` and `line` say where it stands; None: no line has it, as in a preset. `suggestion` is what was probably
    meant, if anything is near. Of a phone number `value` shows too little to dial it.
    """

    def __init__(
        self,
        field: str,
        value: object,
        allowed: str,
        *,
        file: str,
        line: int | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(field, value, allowed)
        place = file if line is None else f"{file}:{line}"
        meant = "" if suggestion is None else f"; did you mean {suggestion!r}?"
        said = f"{field} is {value!r}" if field else repr(value)
        self.args = (f"{place}: {said}; allowed: {allowed}{meant}",)
        self.file = file
        self.line = line
        self.suggestion = suggestion

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SettingWrong) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class SettingsInvalid(ConfigurationError):
    """A settings file holds mistakes: `problems` are all of them, each a `SettingWrong`, by their lines."""

    def __init__(self, problems: Sequence[SettingWrong]) -> None:
        first = problems[0]
        super().__init__(first.field, first.value, first.allowed)
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        self.args = ("\n".join([f"{first.file}: {count}", *map(str, problems)]),)
        self.problems = tuple(problems)


class RequestRefused(CallbackqError):
    """The request was understood and declined. Nothing was stored."""


class InvalidNumber(RequestRefused, ValueError):
    """This is not a phone number that can be dialed. `problem` says why, as a `NumberProblem`."""

    def __init__(self, message: str | None = None, *, problem: str = "not_a_number") -> None:
        super().__init__(message)
        self.problem = problem


class NumberRefused(InvalidNumber):
    """
    This number must not be dialed. `problem` says why, as a `NumberProblem`.

    `alternatives` are other ways to reach the company, where the policy names some for its region.
    """

    def __init__(self, problem: str, detail: str, *, alternatives: Sequence[str] = ()) -> None:
        others = f"; instead: {', '.join(alternatives)}" if alternatives else ""
        super().__init__(f"number refused ({problem}): {detail}{others}", problem=problem)
        self.alternatives = tuple(alternatives)


class NumberNeeded(InvalidNumber):
    """No number was given, and the caller id is withheld: ask for one."""


class InvalidTime(RequestRefused, ValueError):
    """A time is naive, out of range, or in the future."""


class InvalidText(RequestRefused, ValueError):
    """An id or a text is empty, too long, or has characters that cannot be shown."""


class InvalidPriority(RequestRefused, ValueError):
    """A priority is not a whole number from 0 to 255."""


class DuplicateCallback(RequestRefused):
    """
    This person already has a callback: `existing_id`.

    `choices` are what the request may ask for instead, as `on_duplicate`, where the policy says to ask the customer.
    """

    def __init__(self, existing_id: CallbackId, *, choices: Sequence[str] = ()) -> None:
        ask = f", or ask again with on_duplicate: {', '.join(choices)}" if choices else ""
        super().__init__(
            f"this person already has callback {existing_id}; "
            f"give its receipt (service.receipt), or cancel it first{ask}"
        )
        self.existing_id = existing_id
        self.choices = tuple(choices)


class RequestKeyReused(RequestRefused):
    """The request key belongs to a different request."""


class CallHasEnded(RequestRefused):
    """The live call is over, so it has no place in line to give."""


class SlotUnavailable(RequestRefused):
    """
    This slot cannot be booked. `reason` says why, as a `SlotProblem`; `alternatives` are slots that can, if any.

    Alternatives are starts, aware instants in UTC. They were free when they were looked up, and are not held.
    `slot_at` is the start that was wanted, where it was one.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        slot_at: datetime | None = None,
        alternatives: Sequence[datetime] = (),
    ) -> None:
        others = f"; free instead: {', '.join(at.isoformat() for at in alternatives)}" if alternatives else ""
        super().__init__(f"slot unavailable ({reason}): {detail}{others}")
        self.reason = reason
        self.slot_at = slot_at
        self.alternatives = tuple(alternatives)


class NoShowsTooMany(RequestRefused):
    """This person missed several callbacks at times of their choice: book one more only if they confirm it."""


class NotVerified(RequestRefused):
    """This number must be proved first: send a one-time code to it, and say which one was entered."""


class CodeWrong(RequestRefused):
    """
    This is not the one-time code that was sent, or the code is over.

    `tries_left` is how often another one may be tried; 0: a new code is needed.
    """

    def __init__(self, detail: str, *, tries_left: int) -> None:
        super().__init__(f"{detail}; tries left: {tries_left}")
        self.tries_left = tries_left


class TooManyRequests(RequestRefused):
    """
    A limit of requests is reached. `limit` names it, and `again_at` is when one more may be made.

    The same request may be made again then.
    """

    def __init__(self, limit: str, again_at: datetime) -> None:
        super().__init__(f"the limit {limit} is reached; allowed: again at {again_at.isoformat()}")
        self.limit = limit
        self.again_at = again_at


class CallForbidden(RequestRefused):
    """This customer must not be called: a do-not-call list has the number, or they opted out. `reason` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this number must not be called: {reason}")
        self.reason = reason


class NotPossibleNow(RequestRefused):
    """The record is in a state that forbids this command."""

    def __init__(self, command: str, state: str, allowed: str) -> None:
        super().__init__(f"cannot {command} in state {state!r}; allowed in: {allowed}")
        self.command = command
        self.state = state


class NotFound(CallbackqError, LookupError):
    """There is no such record in this tenant."""


class UnknownQueue(NotFound):
    """No policy is configured for this queue."""


class CallbackNotFound(NotFound):
    """There is no callback with this id."""


class CallNotFound(NotFound):
    """There is no live call with this id."""


class AgentNotFound(NotFound):
    """There is no agent with this id."""


class BookingNotFound(NotFound):
    """There is no booking with this id."""


class VerificationNotFound(NotFound):
    """There is no one-time code with this id."""


class MessageNotFound(NotFound):
    """No such message; or no send that has this id."""


class AttemptNotFound(NotFound):
    """There is no attempt with this id."""


class Conflict(CallbackqError):
    """Somebody else was first. Read again, then try again."""

    retry_safe = True


class StaleVersion(Conflict):
    """The record was changed since it was read."""


class UniquenessViolated(Conflict):
    """Another record already holds this key."""


class StoreError(CallbackqError):
    """The store failed."""


class StoreUnavailable(StoreError):
    """The store cannot be used now. Certainly nothing was written."""

    retry_safe = True


class CommitUncertain(StoreError):
    """The commit may or may not have happened. Read before trying again."""


class SchemaMismatch(StoreError):
    """The store was written by another version of callbackq."""


class AdapterError(CallbackqError):
    """An adapter could not do what it was asked."""


class DialRefused(AdapterError):
    """The call was certainly not placed."""

    retry_safe = True


class DialUncertain(AdapterError):
    """The call may ring. It becomes an attempt in doubt, and is never dialed again blindly."""


class MessageRefused(AdapterError):
    """
    A message was certainly not sent, and may be tried again.

    `problem` is the provider's own code: 1 to 64 characters, without personal data.
    """

    retry_safe = True

    def __init__(self, detail: str, *, problem: str | None = None) -> None:
        super().__init__(detail)
        self.problem = problem


class MessageImpossible(MessageRefused):
    """
    It was certainly not sent, and never will be by this channel.

    There is no such address, or it cannot receive it.
    """

    retry_safe = False


class RecipientOptedOut(MessageRefused):
    """It was certainly not sent: the provider knows that its owner opted out. Nothing is sent there any more."""

    retry_safe = False


class CodeNotSent(AdapterError):
    """A one-time code could not be sent. Ask for another one."""

    retry_safe = True


class TelephonyDown(AdapterError):
    """The telephony cannot be reached. Nothing was done; ask again when it is back."""

    retry_safe = True
