# SPDX-License-Identifier: MIT
"""A service manager in small: keeps a listening socket and starts and stops servers on it.

usage: holder.py PROGRAM    reads "start" and "stop" lines, answers "port N", then "ready" and "ended STATUS"
"""
import os
import signal
import socket
import subprocess
import sys

held = socket.create_server(('127.0.0.1', 0), backlog=1024)
held.set_inheritable(True)
env = dict(os.environ, MAINSTAY_LISTEN_FD=str(held.fileno()))
child = None


def say(*words):
    print(*words, flush=True)


def start():
    process = subprocess.Popen([sys.argv[1], 'serve'], env=env, pass_fds=[held.fileno()],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if '"server_ready"' in line:
            break
    say('ready')
    return process


say('port', held.getsockname()[1])
for command in sys.stdin:
    if command.strip() == 'start':
        child = start()
    elif child:
        child.send_signal(signal.SIGTERM)
        rest = child.communicate()[1]
        say('ended', child.returncode)
        child = None
        if 'Sanitizer' in rest:
            sys.exit(rest)
if child:
    child.kill()
