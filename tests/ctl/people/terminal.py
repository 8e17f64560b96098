"""Drives a program through a pseudo-terminal: terminal.py STEPS COMMAND...

STEPS is JSON: a list of {"expect": pattern} and {"send": text}. Writes all that the program showed, then ends with its
exit code; with 90 when a pattern does not come within its time.
"""

import json
import os
import pty
import re
import select
import signal
import sys
import time

DEADLINE_SECONDS = 40

steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])

shown = b""
seen = 0


def read(seconds):
    """Adds what the program shows; False when it has ended."""
    global shown
    ready, _, _ = select.select([terminal], [], [], seconds)
    if not ready:
        return True
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        return False
    shown += piece
    return piece != b""


def finish(code):
    sys.stdout.buffer.write(shown)
    sys.stdout.flush()
    sys.exit(code)


for step in steps:
    if "send" in step:
        os.write(terminal, step["send"].encode())
        continue
    pattern = re.compile(step["expect"].encode())
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        found = pattern.search(shown, seen)
        if found:
            seen = found.end()
            break
        if time.monotonic() > deadline or not read(0.5):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            shown += b"\n[did not come: " + pattern.pattern + b"]\n"
            finish(90)

deadline = time.monotonic() + DEADLINE_SECONDS
while read(0.5):
    if time.monotonic() > deadline:
        os.kill(pid, signal.SIGKILL)
        break
_, status = os.waitpid(pid, 0)
finish(os.waitstatus_to_exitcode(status))
