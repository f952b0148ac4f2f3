"""What a run says: plain lines on stdout, NDJSON lines in the file named by ORRERY_METRICS, of which rank 0 alone speaks; and of every rank how
long it was busy itself in a step, in the file named by ORRERY_RANK_METRICS."""

from __future__ import annotations

import json
import os
import time


class Report:
    def __init__(self, rank: int):
        self.rank = rank
        self.handle = _open(os.environ.get('ORRERY_METRICS')) if rank == 0 else None
        self.rank_handle = _open(os.environ.get('ORRERY_RANK_METRICS'))

    def say(self, line: str) -> None:
        if self.rank == 0:
            print(line, flush=True)

    def record(self, **values: object) -> None:
        if self.handle is not None:
            line = json.dumps({**values, 'time': round(time.time(), 3)}, separators=(',', ':'), ensure_ascii=False) + '\n'
            os.write(self.handle, line.encode())

    def record_pace(self, step: int, busy_seconds: float) -> None:
        if self.rank_handle is not None:
            os.write(self.rank_handle, f'{{"step":{step},"busySeconds":{busy_seconds:.6f}}}\n'.encode())


def _open(path: str | None) -> int | None:
    # One write per line in append mode: a reader never sees half a line between two writers' lines.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if path else None
