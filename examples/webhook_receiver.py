"""
A CRM that hears what becomes of callbacks: webhooks, verified, taken once, and kept in SQLite before they are answered.

`Inbox` is all that a receiver needs. Run it to see a sender and a receiver talk, by HTTP, on this machine.
"""

import sqlite3
import tempfile
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError  # pip install standardwebhooks

from callbackq import CallbackService, MemoryStore, QueuePolicy, SystemClock
from callbackq.adapters.webhooks import HttpSender
from callbackq.webhooks import WebhookEndpoint, Webhooks, replay

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # Of an example; make your own of 24 random bytes or more.
TABLES = """
    CREATE TABLE IF NOT EXISTS seen (webhook_id TEXT PRIMARY KEY, subject TEXT, sequence TEXT, kind TEXT);
    CREATE TABLE IF NOT EXISTS callbacks (subject TEXT PRIMARY KEY, sequence TEXT, state TEXT, outcome TEXT);
"""
NEWER = """
    INSERT INTO callbacks VALUES (?1, ?2, ?3, ?4) ON CONFLICT (subject) DO UPDATE
    SET sequence = ?2, state = ?3, outcome = coalesce(?4, outcome) WHERE sequence < ?2
"""


class Inbox:
    """Takes each event once, whatever comes twice, and never goes back to an older one."""

    def __init__(self, path, secret=SECRET):
        self.path, self.verifier = path, Webhook(secret)
        with closing(sqlite3.connect(path)) as database:
            database.executescript(TABLES)

    def take(self, headers, body):
        """Return the status to answer with. What is answered with 204 is on the disk."""
        try:
            event = self.verifier.verify(body, dict(headers))
        except WebhookVerificationError:
            return 401
        data = event["data"]
        told = (event["id"], event["subject"], event["sequence"], data["kind"])
        with closing(sqlite3.connect(self.path)) as database, database:  # Seen and applied, or neither.
            is_new = database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", told).rowcount
            if is_new and data["entity"] == "callback":
                database.execute(NEWER, (told[1], told[2], data["state"], data.get("outcome")))
        return 204


def server(inbox, port=0):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers.get("content-length") or 0)  # Who signs sends less than 64 KiB.
            self.send_response(inbox.take(self.headers, self.rfile.read(size)) if size < 65_536 else 413)
            self.end_headers()

        def log_message(self, *_):
            pass

    return HTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, server(Inbox(f"{folder}/crm.db")) as crm:
        threading.Thread(target=crm.serve_forever, args=(0.01,), daemon=True).start()
        service = CallbackService(MemoryStore(), [QueuePolicy(queue="support")], clock=SystemClock())
        endpoint = WebhookEndpoint(name="crm", url=f"http://127.0.0.1:{crm.server_port}/", secrets=[SECRET])
        webhooks = Webhooks(service, [endpoint], sender=HttpSender(allow_http=True, allow_private=True))
        receipt = service.request("support", number="+1 212 555 0101")
        service.cancel(receipt.callback_id, reason="solved by e-mail")
        print("sent:", webhooks.deliver_due(service.now()).delivered_count)
        replay(service, "crm", from_number=1)  # Everything once more: the receiver knows it already.
        print("sent again:", webhooks.deliver_due(service.now()).delivered_count)
        with closing(sqlite3.connect(f"{folder}/crm.db")) as database:
            print("the CRM knows:", *database.execute("SELECT state, outcome FROM callbacks").fetchone())
        crm.shutdown()
