"""Runs a program on a pseudo-terminal of its own: on-terminal.py PROGRAM [ARGUMENT...]

Standard input is typed there, and all that it shows goes to standard output. Ends as the program did: with its exit
code, or by the signal that ended it.
"""

import os
import pty
import signal
import sys

status = pty.spawn(sys.argv[1:])
if os.WIFSIGNALED(status):
    by = os.WTERMSIG(status)
    # SIGKILL has no handler to take away.
    if by != signal.SIGKILL:
        signal.signal(by, signal.SIG_DFL)
    os.kill(os.getpid(), by)
sys.exit(os.waitstatus_to_exitcode(status))
