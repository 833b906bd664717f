"""The words of the records: states, reasons, dispositions, outcomes. Each is its own lower-case text."""

from __future__ import annotations

import enum


class Entity(enum.StrEnum):
    """The kinds of record that have a history."""

    CALLBACK = "callback"
    CALL = "call"
    AGENT = "agent"
    ATTEMPT = "attempt"
    QUEUE = "queue"
    BOOKING = "booking"
    OPT_OUT = "opt_out"
    MESSAGE = "message"
    HISTORY = "history"
    """The history itself, of which something was pruned. It has no row."""


class CallbackState(enum.StrEnum):
    """Where a callback stands. `core.lifecycle` holds the table of transitions."""

    SCHEDULED = "scheduled"
    WAITING = "waiting"
    ATTEMPTING = "attempting"
    RESTING = "resting"
    HELD = "held"
    ENDED = "ended"


class BookingState(enum.StrEnum):
    """Where a booking stands: held while somebody decides, booked for a callback, or over."""

    HELD = "held"
    BOOKED = "booked"
    ENDED = "ended"


class SeatKind(enum.StrEnum):
    """Which seat of a slot is taken: one for everybody, or one of those kept for better priorities."""

    USUAL = "usual"
    KEPT = "kept"


class SlotProblem(enum.StrEnum):
    """Why a slot cannot be booked."""

    PAST = "past"
    TOO_SOON = "too_soon"
    BEYOND_HORIZON = "beyond_horizon"
    CLOSED = "closed"
    OFF_GRID = "off_grid"
    FULL = "full"
    NOT_BEFORE_CLOSING = "not_before_closing"
    AGENT_BUSY = "agent_busy"
    NONE_IN_WINDOW = "none_in_window"
    HOLD_OVER = "hold_over"


class BookingEnd(enum.StrEnum):
    """How a booking ended. Where it was not used, its seat is free again."""

    HOLD_OVER = "hold_over"
    RELEASED = "released"
    CALLED_OFF = "called_off"
    USED = "used"


class CallState(enum.StrEnum):
    """Where a live call stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    ENDED = "ended"


class AgentState(enum.StrEnum):
    """What an agent does. Only an AVAILABLE agent is given a live call or an attempt."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    BUSY = "busy"
    WRAP_UP = "wrap_up"
    COOLING_DOWN = "cooling_down"
    SIGNED_OUT = "signed_out"


class AttemptState(enum.StrEnum):
    """Where an attempt stands. `core.attempt` holds the table of transitions."""

    INTENDED = "intended"
    AGENT_ON_LINE = "agent_on_line"
    CONFIRMING = "confirming"
    CUSTOMER_ON_LINE = "customer_on_line"
    JOINING = "joining"
    CONNECTED = "connected"
    ENDING = "ending"
    ENDED = "ended"


class LegState(enum.StrEnum):
    """What is known of one leg. It only ever moves down this list."""

    NONE = "none"
    INTENDED = "intended"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class Role(enum.StrEnum):
    """Whose leg it is."""

    AGENT = "agent"
    CUSTOMER = "customer"


class Mode(enum.StrEnum):
    """Which leg starts when."""

    AGENT_FIRST = "agent_first"
    CUSTOMER_FIRST = "customer_first"
    SIMULTANEOUS = "simultaneous"


class Announcement(enum.StrEnum):
    """What the customer is called to be told, by an attempt of their leg alone: no agent takes part in it."""

    NO_AGENT = "no_agent"
    """Nobody can take the callback, and it is over."""


class Channel(enum.StrEnum):
    """How a callback was asked for."""

    IN_QUEUE = "in_queue"
    WEB = "web"
    MESSAGE = "message"
    AGENT = "agent"
    EVENT = "event"
    ABANDONED = "abandoned"


class Disposition(enum.StrEnum):
    """How one attempt ended."""

    CONNECTED = "connected"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    MACHINE = "machine"
    FAX = "fax"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    CONGESTED = "congested"
    NETWORK_FAILURE = "network_failure"
    ANSWERED_THEN_LEFT = "answered_then_left"
    WRONG_PERSON = "wrong_person"
    DECLINED_BY_CUSTOMER = "declined_by_customer"
    AGENT_UNAVAILABLE = "agent_unavailable"
    CANCELLED_BY_US = "cancelled_by_us"
    UNKNOWN = "unknown"


class Outcome(enum.StrEnum):
    """How a callback ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNREACHED = "unreached"
    DECLINED_BY_AGENTS = "declined_by_agents"
    REPLACED = "replaced"
    REFUSED_BY_RULE = "refused_by_rule"
    SERVED_ELSEWHERE = "served_elsewhere"


class CallOutcome(enum.StrEnum):
    """How a live call ended."""

    SERVED = "served"
    ABANDONED = "abandoned"
    CONVERTED = "converted"
    EXPIRED = "expired"
    LOST = "lost"


class DueReason(enum.StrEnum):
    """Why a record is looked at when its `due_at` has come."""

    EXPIRES = "expires"
    SCHEDULED = "scheduled"
    PREFERENCE_OVER = "preference_over"
    WAITED_LONG = "waited_long"
    WINDOW_OVER = "window_over"
    REST_OVER = "rest_over"
    HOLD_OVER = "hold_over"
    TO_BE_TOLD = "to_be_told"
    ATTEMPT_OVERDUE = "attempt_overdue"
    AGENT_RING_OVER = "agent_ring_over"
    RING_OVER = "ring_over"
    CONFIRM_OVER = "confirm_over"
    CUSTOMER_HOLD_OVER = "customer_hold_over"
    JOIN_OVERDUE = "join_overdue"
    TALK_OVERDUE = "talk_overdue"
    HANG_UP_WANTED = "hang_up_wanted"
    HANG_UP_OVERDUE = "hang_up_overdue"
    LEG_IN_DOUBT = "leg_in_doubt"
    WRAP_UP_OVER = "wrap_up_over"
    COOL_DOWN_OVER = "cool_down_over"
    PRESENCE_OVER = "presence_over"
    SLOT_HOLD_OVER = "slot_hold_over"
    REMINDER = "reminder"
    SLOT_OVERDUE = "slot_overdue"
    CALLBACK_OVER = "callback_over"
    MESSAGE_WAITS = "message_waits"
    SEND_OVERDUE = "send_overdue"
    RECEIPT_OVERDUE = "receipt_overdue"
    UNCERTAIN_TOO_LONG = "uncertain_too_long"
    LEASE_OVER = "lease_over"
    HANDED_OVER = "handed_over"


class HoldReason(enum.StrEnum):
    """Which rule forbids dialing a callback that is HELD, or what it is to come to."""

    NUMBER_IN_USE = "number_in_use"
    NUMBER_LIMIT = "number_limit"
    WRONG_NUMBER = "wrong_number"
    CALLING_HOURS = "calling_hours"
    """The rules of the places where the number may be do not permit a call now."""
    CUSTOMER_HOURS = "customer_hours"
    """The customer prefers to be called at other hours."""
    COST_CEILING = "cost_ceiling"
    """Calls to closed or costly regions would cost more than the queue may spend in a day."""
    DO_NOT_CALL_UNKNOWN = "do_not_call_unknown"
    """The do-not-call list cannot be asked now, and nobody is called without."""
    TO_BE_TOLD = "to_be_told"
    """Every agent has declined it: the customer is to be called and told so, by no agent, and then it is over."""


class NumberType(enum.StrEnum):
    """What kind of number it is, as far as the numbering plan tells."""

    FIXED_LINE = "fixed_line"
    MOBILE = "mobile"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    TOLL_FREE = "toll_free"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    VOIP = "voip"
    PERSONAL = "personal"
    """A number that follows a person about; its calls can cost as much as premium-rate ones."""
    PAGER = "pager"
    UAN = "uan"
    """The one number of a company, wherever its calls go."""
    VOICEMAIL = "voicemail"
    SATELLITE = "satellite"
    """Satellite phones, and networks that belong to no country."""
    UNKNOWN = "unknown"


class NumberProblem(enum.StrEnum):
    """Why a number is not dialed."""

    NOT_A_NUMBER = "not_a_number"
    IMPOSSIBLE = "impossible"
    """Too short or too long for its country."""
    INVALID = "invalid"
    """No number of its country begins like this."""
    EMERGENCY = "emergency"
    SHORT_CODE = "short_code"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    SATELLITE = "satellite"
    TYPE_REFUSED = "type_refused"
    """Another type that the policy refuses."""
    BLOCKED = "blocked"
    """The host's list of numbers and ranges that are never dialed."""
    REGION_NOT_SERVED = "region_not_served"
    TIER_NEEDED = "tier_needed"
    """Its region is served for some customers only."""
    EXTENSION = "extension"
    """It has an extension, where only a number that rings by itself can be used."""


class Purpose(enum.StrEnum):
    """Why the company calls. Rules differ by it."""

    REQUESTED = "requested"
    """The customer asked for this call."""
    SERVICE = "service"
    """About something that the customer has already: an order, an outage, an appointment."""
    SALES = "sales"
    """To sell something. The strictest rules are about these."""


class Medium(enum.StrEnum):
    """What a customer can opt out of."""

    CALLS = "calls"
    MESSAGES = "messages"


class ReportKind(enum.StrEnum):
    """What the telephony reports of a leg."""

    RINGING = "ringing"
    ANSWERED = "answered"
    DETECTED = "detected"
    DIGIT = "digit"
    PLAYED = "played"
    BRIDGED = "bridged"
    UNBRIDGED = "unbridged"
    ENDED = "ended"
    UNCERTAIN = "uncertain"


class Cause(enum.StrEnum):
    """Why a leg ended, in the telephony's words made ours."""

    NORMAL = "normal"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    CONGESTED = "congested"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class AnsweredBy(enum.StrEnum):
    """Who or what answered the customer's phone."""

    UNKNOWN = "unknown"
    HUMAN = "human"
    MACHINE = "machine"
    FAX = "fax"


class Confirmation(enum.StrEnum):
    """What a customer who answered said to "press 1 to connect"."""

    ACCEPTED = "accepted"
    LATER = "later"
    CANCEL = "cancel"
    SILENT = "silent"


class NoticeKind(enum.StrEnum):
    """What somebody who is not on the line should be told, and who: the customer, or the company."""

    MISSED = "missed"
    """To the customer: we called and could not reach you, and call again."""
    UNREACHED = "unreached"
    """To the customer: we tried to reach you, and do not try again by ourselves."""
    OTHER_TIME = "other_time"
    """To the customer: we missed each other; choose another time."""
    NO_SHOWS = "no_shows"
    """To the customer: we tried several times at the times you chose; call us or write to us."""
    NO_AGENT = "no_agent"
    """To the customer: nobody could take your callback."""
    SURVEY = "survey"
    """To the customer: how was it?"""
    TICKET_NOTE = "ticket_note"
    """To the company: a note for the ticket."""
    FOLLOW_UP = "follow_up"
    """To the company: somebody should see to this customer within a stated time."""
    CUSTOMER_FLAGGED = "customer_flagged"
    """To the company: this customer missed several callbacks for chosen times."""
    AGENT_REMINDER = "agent_reminder"
    """To the agent, or to the whole queue: a callback is booked for soon."""
    REMINDER = "reminder"
    """To the customer: we call you soon, at the time you chose."""
    BACKUP_AGENT = "backup_agent"
    """To the customer: we call at the time you chose; somebody else does."""
    LATE = "late"
    """To the customer: we could not call at the time you chose; we still will, or choose another of these."""
    NOT_REPEATED = "not_repeated"
    """To the company: no seat was found for the next callback of a series."""
    REFUSED_BY_RULE = "refused_by_rule"
    """To the company: a rule forbids calling this customer, and the callback is over."""
    NUMBER_WRONG = "number_wrong"
    """To the company: this number is not the customer's."""
