"""
Messengers that need nothing but the standard library: by mail, and for development to the console or a file.

Give one to a runner as `messenger=`, or several by channel: `messenger={"email": MailMessenger(...), "sms": yours}`.
"""

from callbackq.adapters.messengers.codes import CodesByMessage
from callbackq.adapters.messengers.console import ConsoleMessenger
from callbackq.adapters.messengers.files import FileMessenger
from callbackq.adapters.messengers.mail import MailMessenger

__all__ = ["CodesByMessage", "ConsoleMessenger", "FileMessenger", "MailMessenger"]
