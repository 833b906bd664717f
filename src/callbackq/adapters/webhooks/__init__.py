"""How webhooks leave: `HttpSender` makes the requests, with what Python brings."""

from callbackq.adapters.webhooks.addresses import is_public
from callbackq.adapters.webhooks.sending import AddressRefused, HttpSender

__all__ = ["AddressRefused", "HttpSender", "is_public"]
