"""
Twilio: legs as calls, messages as SMS and WhatsApp, and the web app that Twilio calls. Needs the extra `twilio`.

* `TwilioSettings`: the account; from the environment by `TwilioSettings.from_env`.
* `TwilioTelephony`: a `Telephony`. `TwilioWebhooks`: brings it what becomes of its calls.
* `TwilioMessenger`: a `Messenger`.
"""

from callbackq.adapters.twilio.messenger import TwilioMessenger
from callbackq.adapters.twilio.settings import TwilioSettings
from callbackq.adapters.twilio.telephony import TwilioTelephony
from callbackq.adapters.twilio.webhooks import Request, Response, TwilioWebhooks

__all__ = ["Request", "Response", "TwilioMessenger", "TwilioSettings", "TwilioTelephony", "TwilioWebhooks"]
