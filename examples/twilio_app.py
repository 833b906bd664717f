"""
A web app that calls people back through Twilio, on the server of the standard library.

With TWILIO_ACCOUNT_SID and what else `docs/how-to/twilio.md` names in the environment it serves on port 8000 until it
is stopped. Without, it shows what it does with a Twilio that is not there, and ends.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from html import escape
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

import callbackq as cq
from callbackq.adapters.twilio import TwilioMessenger, TwilioSettings, TwilioTelephony, TwilioWebhooks
from callbackq.testing.doubles.twilio import TwilioDouble

PAGE = "<!doctype html><form method=post>Your number <input name=number> <button>Call me back</button></form>"
POLICY = cq.QueuePolicy(queue="support", company="Acme", messages=cq.Messages(channels=("sms",)))


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...


def main() -> None:
    with ExitStack() as stack:
        environ, double = dict(os.environ), None
        is_real = "TWILIO_ACCOUNT_SID" in environ
        server = make_server("127.0.0.1", 8000 if is_real else 0, None, handler_class=Quiet)
        stack.callback(server.server_close)
        if not is_real:
            double = stack.enter_context(TwilioDouble(speed=10))
            double.answers_after_s, double.talk_s = 1.0, 3.0  # Everybody picks up, and talks a little.
            environ = double.environ(f"http://127.0.0.1:{server.server_port}/twilio")
        settings = TwilioSettings.from_env(environ)
        store = cq.SQLiteStore(environ.get("CALLBACKQ_DB", "callbacks.db")) if is_real else cq.MemoryStore()
        service = cq.CallbackService(store, [POLICY], clock=cq.SystemClock())
        telephony = TwilioTelephony(settings, agents={"ann": environ.get("AGENT_NUMBER", "+12125550121")})
        runner = cq.ThreadRunner(service, telephony, messenger=TwilioMessenger(settings))
        telephony.attach(runner, service=service)
        webhooks = TwilioWebhooks(settings, telephony=telephony, runner=runner, queue="support")

        def app(request: Any, start_response: Any) -> Any:
            if request["PATH_INFO"].startswith("/twilio/"):
                return webhooks(request, start_response)
            said = ""
            if request["REQUEST_METHOD"] == "POST":
                form = request["wsgi.input"].read(min(int(request["CONTENT_LENGTH"] or 0), 1000)).decode()
                try:
                    receipt = service.request("support", number=parse_qs(form).get("number", [""])[0])
                    said = f"We call {receipt.number_masked} back."
                except cq.CallbackqError as error:
                    said = str(error)
            start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [(PAGE + escape(said)).encode()]

        stack.enter_context(telephony), stack.enter_context(runner)
        server.set_app(app)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        stack.callback(server.shutdown)
        service.agent_available("ann", queues=["support"])
        promise = None if is_real else service.request("support", number="+1 212 555 0101")
        while promise is None or service.get(promise.callback_id).state is not cq.CallbackState.ENDED:
            time.sleep(0.05)
        assert double is not None
        print("called:", ", ".join(call.to[-4:] for call in double.placed))
        print("outcome:", service.get(promise.callback_id).outcome)
        print("written:", double.messages[0].body)


if __name__ == "__main__":
    main()
