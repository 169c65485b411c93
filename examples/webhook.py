#!/usr/bin/env python3
"""Receives what a Tributary server tells: verifies the signature and prints one line an event. Python's standard library alone.

    TRIBUTARY_WEBHOOK_SECRET=whsec_... examples/webhook.py [port]

It listens on this machine alone: put a proxy with a certificate before it, and its https address into a webhook.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = os.environ["TRIBUTARY_WEBHOOK_SECRET"].encode()
# Bytes of a body, and seconds that a signature may be old: a recording that is played again is refused.
BODY_MAX = 1 << 20
AGE_MAX = 300
# An event may come twice, always with the same id.
seen = set()


def is_genuine(header, body):
    """Whether one of the signatures is ours, and not an old one."""
    parts = [part.partition("=") for part in header.split(",")]
    sent_at = next((value for name, _, value in parts if name == "t"), "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > AGE_MAX:
        return False
    expected = hmac.new(SECRET, sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(value, expected) for name, _, value in parts if name == "v1")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= BODY_MAX:
            return self.answer(413)
        body = self.rfile.read(length)
        if not is_genuine(self.headers.get("Tributary-Signature") or "", body):
            return self.answer(400)
        event = json.loads(body)
        if event["id"] not in seen:
            seen.add(event["id"])
            job = event["job"] or {}
            print(event["type"], event["id"], job.get("state", "-"), job.get("model", "-"), flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Receiver)
print("listening at", server.server_port, flush=True)
server.serve_forever()
