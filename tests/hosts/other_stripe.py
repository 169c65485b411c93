"""Runs localstripe on a port of this machine that nobody else has, prints the port, and keeps nothing on disk.

Run by stripe/tests/suite/localstripe.rs, which ends it.
"""

import socket

from aiohttp import web
from localstripe import server

server.store.dump_to_disk = lambda: None
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
# Whoever reads the port may come before the server is ready: then they wait.
listener.listen()
print(listener.getsockname()[1], flush=True)
web.run_app(server.app, sock=listener, print=None)
