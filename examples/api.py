#!/usr/bin/env python3
"""Sends an audio file through a model over the developer API and fetches one stem. Python's standard library alone.

    TRIBUTARY_API=http://127.0.0.1:7704/api/v1 TRIBUTARY_KEY=trb_... examples/api.py song.wav [model] [stem] [to.wav]
"""

import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
import uuid

API = os.environ["TRIBUTARY_API"]
KEY = os.environ["TRIBUTARY_KEY"]


def ask(method, path, body=None, kind="application/json"):
    """An open answer. Comes again when the server says when; says what the server says where it refuses."""
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    for _ in range(10):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": kind}
        if hasattr(body, "fileno"):
            body.seek(0)
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        request = urllib.request.Request(API + path, data=body, method=method, headers=headers)
        try:
            return urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as refused:
            wait = refused.headers.get("Retry-After")
            problem = json.load(refused)
            if wait is None:
                sys.exit(f"{problem['title']}: {problem['detail']}")
            time.sleep(int(wait))
    sys.exit("the server is busy")


def main(file, model="mini", stem="vocals", to=None):
    # The server decodes the file and says which clip it is.
    with open(file, "rb") as audio:
        clip = json.load(ask("POST", "/clips", audio, "application/octet-stream"))
    shape = {name: clip[name] for name in ("frames", "channels", "rate_hz")}
    quote = json.load(ask("POST", "/quotes", {"model": model, **shape}))
    print(f"costs at most {quote['credits']} of {quote['available']} credits", file=sys.stderr)

    # The id is made here: asking again with it, after whatever went wrong, never pays twice.
    wish = {"id": str(uuid.uuid4()), "model": model, "clip": clip, "title": os.path.basename(file)}
    job = json.load(ask("POST", "/jobs", wish))

    # Each change of the job is an event; the stream ends with the job.
    for line in ask("GET", f"/jobs/{job['id']}/events"):
        if line.startswith(b"data:"):
            job = json.loads(line[5:])
            print(f"{job['state']}: {job['chunks_done']} of {job['chunks']}", file=sys.stderr)
    if job["state"] != "done":
        sys.exit(f"the job is {job['state']}: {job['failure'] or ''}")
    to = to or f"{stem}.wav"
    with ask("GET", f"/jobs/{job['id']}/stems/{stem}") as answer, open(to, "wb") as out:
        shutil.copyfileobj(answer, out)
    print(to)


main(*sys.argv[1:])
