"""The commands of one-time codes: send one to a number, and take what the customer enters."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime

from callbackq.core import codes
from callbackq.core.codes import Verdict
from callbackq.core.instants import check_text, optional_text
from callbackq.core.number_rules import check_dialable
from callbackq.core.numbers import number_key, read_number
from callbackq.errors import (
    CodeNotSent,
    CodeWrong,
    ConfigurationError,
    Conflict,
    InvalidText,
    StoreError,
)
from callbackq.ids import VerificationId
from callbackq.limiting import LimitKey, count_all
from callbackq.masking import mask_number
from callbackq.model import CodeOrder, CodeSent, Verification
from callbackq.policy import QueuePolicy
from callbackq.ports import CodeSender, Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.verifying import verify_of
from callbackq.writing import policy_of, policy_or_default

logger = logging.getLogger("callbackq")

_SAID = {
    Verdict.WRONG: "this is not the code that was sent",
    Verdict.EXPIRED: "this code came too late",
    Verdict.VOID: "this code was used, or tried too often, or could not be sent",
}


class VerifyCommands(ServiceBase):
    """The commands of one-time codes."""

    def send_code(self, queue: str, *, number: str, language: str | None = None) -> CodeSent:
        """
        Send a one-time code to a number, through the service's `CodeSender`, to prove that it is the customer's.

        A new code does not end those before it. The code itself is nowhere but in what the sender is given. If the
        number has an extension the code goes to the number without it.

        Args:
            queue: whose policy says how long the code is and lives, and which numbers may be dialed: none other is
                sent a code. A queue that asks for no proof sends codes by the defaults of `Verify`.
            number: as people write it.
            language: of the message, handed to the sender as it is. 1 to 35 characters.

        Returns:
            What was sent, once the sender has returned: give its id with what the customer enters to `enter_code`,
            and then to `request`.

        Raises:
            UnknownQueue, InvalidNumber, NumberRefused, InvalidText: nothing was sent.
            TooManyRequests: this number was sent as many codes as it may be, over all queues; `again_at` says when.
                Codes that could not be sent count as well.
            CodeNotSent: the sender raised; the code is void. Ask for another one.
            ConfigurationError: the service has no `CodeSender`.
            RuntimeError: the service is `within` a transaction of the host's, which may still be undone.
            CommitUncertain: nothing was sent.
        """
        self.refuse_within("send a code")
        policy = policy_of(self.policies, queue)
        sender = self._sender()
        said = optional_text(language, "language", length_max=35)
        e164 = read_number(number, region=policy.default_region).e164
        check_dialable(e164, policy=policy.numbers, tier=None)
        code = self._new_code(policy)
        made = self._run(Commit.FLUSHED, lambda tx, now: self._made(tx, policy, e164, code, now))
        order = CodeOrder(
            verification_id=made.verification_id,
            queue=policy.queue,
            number=e164,
            code=code,
            language=said,
            expires_at=made.expires_at,
        )
        try:
            sender.send(order)
        except Exception as error:
            self._void(made.verification_id)
            raise CodeNotSent(
                f"a code could not be sent to {mask_number(e164)}: {type(error).__name__}"
            ) from error
        return CodeSent(
            verification_id=made.verification_id,
            number_masked=mask_number(e164),
            expires_at=made.expires_at,
            code_length=len(code),
        )

    def enter_code(self, verification_id: str, *, code: str) -> None:
        """
        Take the code that a customer entered. Durable on return: the number is proved, for one request.

        Decimal digits of every script are read; spaces and hyphens between them mean nothing. Anything else is a wrong
        code, and counts as a try. The right code again is right again, until it was used or is too late.

        Raises:
            CodeWrong: it is not the code, or comes too late, or too often. `tries_left` says how often another one
                may be tried; the try is counted, and durable.
            VerificationNotFound: no such code was sent, or long ago.
            InvalidText: the code is no text, or the id can be none. Nothing was counted.
            Conflict: many try at once; nothing was counted.
        """
        key = VerificationId(check_text(verification_id, "verification_id"))
        if not isinstance(code, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidText(f"a code is {type(code).__name__}; allowed: text")

        def entered(tx: Transaction, now: datetime) -> tuple[Verdict, int]:
            known = tx.verifications.get(key)
            verify = verify_of(policy_or_default(self.policies, known.queue))
            after, verdict = codes.check(known, code, policy=verify, pepper=self.store.pepper, now=now)
            if after is not known:
                tx.save(after)
            return verdict, codes.tries_left(after, policy=verify)

        verdict, tries_left = self._run(Commit.FLUSHED, entered)
        if verdict is not Verdict.RIGHT:
            left = tries_left if verdict is Verdict.WRONG else 0
            raise CodeWrong(_SAID[verdict], tries_left=left)

    def _new_code(self, policy: QueuePolicy) -> str:
        length = verify_of(policy).code_length
        return codes.new_code(self._draw(codes.chances_of(length)), length=length)

    def _draw(self, below: int) -> int:
        """Return a whole number from 0 to before *below*: each as likely, and nobody's to guess."""
        return secrets.randbelow(below)

    def _sender(self) -> CodeSender:
        if self.codes is None:
            raise ConfigurationError("codes", None, "a CodeSender, to send one-time codes")
        return self.codes

    def _made(
        self, tx: Transaction, policy: QueuePolicy, e164: str, code: str, now: datetime
    ) -> Verification:
        """Return a new code, saved and counted. Raises: TooManyRequests."""
        verify, pepper = verify_of(policy), self.store.pepper
        digest = number_key(e164, tenant_id=self.tenant_id, pepper=pepper)
        counter = LimitKey("codes_max", f"codes/{digest}", (verify.codes_max,))
        count_all(tx, [counter], tenant_id=self.tenant_id, now=now)
        verification_id = VerificationId(self.ids.new("vf", now=now))
        hashed = codes.hash_code(
            code, verification_id=verification_id, tenant_id=self.tenant_id, pepper=pepper
        )
        made = Verification(
            tenant_id=self.tenant_id,
            verification_id=verification_id,
            number_key=digest,
            queue=policy.queue,
            code_hash=hashed,
            sent_at=now,
            expires_at=now + verify.code_life,
        )
        tx.save(made)
        return made

    def _void(self, verification_id: VerificationId) -> None:
        """Make a code void that may not have arrived. Where the store fails it can be entered until it is over."""

        def voided(tx: Transaction, _now: datetime) -> None:
            tx.save(codes.void(tx.verifications.get(verification_id)))

        try:
            self._run(Commit.FLUSHED, voided)
        except (StoreError, Conflict) as error:
            logger.warning("code %s is not void: %s", verification_id, type(error).__name__)
