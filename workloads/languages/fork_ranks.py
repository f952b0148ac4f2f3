"""For tests: runs ranks of train.py as forks of one process that has imported torch, which is most of what a short run costs.

Each line of stdin is a rank, as JSON: its id, argv, env, a prelude of Python that runs before the script, and files for its
stdout and stderr. Each is answered by a line with its id and pid, and by another with its id and status (`os.waitpid`) when it
has ended. Whatever still runs is killed when stdin ends.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import sys
import traceback

sys.dont_write_bytecode = True

import torch  # noqa: F401


def run(rank: dict) -> int:
    for descriptor, path in ((0, os.devnull), (1, rank['stdout']), (2, rank['stderr'])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), descriptor)
    os.environ.clear()
    os.environ.update(rank['env'])
    sys.argv = rank['argv']
    try:
        exec(rank['prelude'], {})
        runpy.run_path(sys.argv[0], run_name='__main__')
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def tell(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def main() -> None:
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    ids: dict[int, int] = {}
    text = b''
    while True:
        ready, _, _ = select.select([0, ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            while ids:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                tell(id=ids.pop(pid), status=status)
        if 0 not in ready:
            continue
        piece = os.read(0, 1 << 16)
        if piece == b'':
            break
        *lines, text = (text + piece).split(b'\n')
        for line in lines:
            rank = json.loads(line)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                code = run(rank)
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
            ids[pid] = rank['id']
            tell(id=rank['id'], pid=pid)
    for pid in ids:
        os.kill(pid, signal.SIGKILL)


main()
