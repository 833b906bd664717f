"""`TwilioMessenger`: SMS and WhatsApp through Twilio."""

from __future__ import annotations

from typing import Any, Final

from callbackq.adapters.messengers.once import Once
from callbackq.adapters.twilio.api import TwilioApi, TwilioRefused, TwilioUnreachable
from callbackq.adapters.twilio.links import Links
from callbackq.adapters.twilio.mail import IMPOSSIBLE, OPTED_OUT, WHATSAPP
from callbackq.adapters.twilio.settings import TwilioSettings
from callbackq.effects import SendMessage
from callbackq.errors import ConfigurationError, MessageImpossible, MessageRefused, RecipientOptedOut
from callbackq.model import SMS


class TwilioMessenger:
    """
    Sends messages by SMS (channel `sms`) and WhatsApp (channel `whatsapp`). Safe in threads.

    Receipts come to `TwilioWebhooks`. Twilio keeps who replied STOP itself, and says so: `RecipientOptedOut`. The title
    of a message is left out. A message may have 1,600 characters; a longer one is refused by Twilio, and never cut.

    Raises:
        ConfigurationError: the settings name no sender.

    >>> from callbackq.adapters.twilio import TwilioSettings
    >>> messenger = TwilioMessenger(
    ...     TwilioSettings(
    ...         account_sid="AC" + "0" * 32,
    ...         auth_token="s3cret",
    ...         public_url="https://pbx.example.com/twilio",
    ...         sms_from="+12125550100",
    ...     )
    ... )
    """

    def __init__(self, settings: TwilioSettings) -> None:
        if not (settings.sms_from or settings.messaging_service_sid or settings.whatsapp_from):
            raise ConfigurationError(
                "TwilioSettings.sms_from (TWILIO_SMS_FROM)",
                None,
                "sms_from, messaging_service_sid or whatsapp_from",
            )
        self._settings: Final = settings
        self._api: Final = TwilioApi(settings)
        self._links: Final = Links(settings.public_url, overrides=settings.callback_overrides)
        self._once: Final = Once()

    def send(self, order: SendMessage) -> str | None:
        """
        Send one message, and return its SID.

        Raises:
            MessageImpossible: there is no number, it can receive nothing by this channel, or the text is too long.
            RecipientOptedOut: Twilio knows that its owner replied STOP.
            MessageRefused: certainly not sent, for another reason. `problem` is Twilio's error code.
            AdapterError: it was given to Twilio, and no answer came: nobody knows.
        """
        return self._once.send(order.send_id, lambda: self._send(order))

    def _send(self, order: SendMessage) -> str:
        parameters = self._parameters(order)
        try:
            return self._api.create_message(**parameters)
        except TwilioUnreachable as error:
            raise MessageRefused(str(error), problem="unreachable") from None
        except TwilioRefused as error:
            if error.code == OPTED_OUT:
                raise RecipientOptedOut("Twilio knows of a STOP", problem=error.problem) from None
            kind = MessageImpossible if error.code in IMPOSSIBLE else MessageRefused
            raise kind(str(error), problem=error.problem) from None

    def _parameters(self, order: SendMessage) -> dict[str, Any]:
        if order.to is None:
            raise MessageImpossible("an SMS needs a number", problem="no_address")
        parameters: dict[str, Any] = {
            "body": order.text,
            "status_callback": self._links.receipt(order.send_id, order.channel),
        }
        if order.channel == WHATSAPP:
            if self._settings.whatsapp_from is None:
                raise MessageImpossible(
                    "no sender for WhatsApp: set TWILIO_WHATSAPP_FROM", problem="no_sender"
                )
            return parameters | {
                "to": f"{WHATSAPP}:{order.to}",
                "from_": f"{WHATSAPP}:{self._settings.whatsapp_from}",
            }
        if order.channel != SMS:
            raise MessageImpossible("Twilio sends sms and whatsapp here", problem="channel")
        if self._settings.messaging_service_sid is not None:
            return parameters | {
                "to": order.to,
                "messaging_service_sid": self._settings.messaging_service_sid,
            }
        if self._settings.sms_from is None:
            raise MessageImpossible("no sender for SMS: set TWILIO_SMS_FROM", problem="no_sender")
        return parameters | {"to": order.to, "from_": self._settings.sms_from}
