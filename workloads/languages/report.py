"""What a run says: plain lines on stdout, NDJSON lines in the file named by ORRERY_METRICS. Rank 0 only speaks."""

from __future__ import annotations

import json
import os
import time


class Report:
    def __init__(self, rank: int):
        self.rank = rank
        path = os.environ.get('ORRERY_METRICS')
        # One write per line in append mode: a reader never sees half a line between two writers' lines.
        self.handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if path and rank == 0 else None

    def say(self, line: str) -> None:
        if self.rank == 0:
            print(line, flush=True)

    def record(self, **values: object) -> None:
        if self.handle is not None:
            line = json.dumps({**values, 'time': round(time.time(), 3)}, separators=(',', ':'), ensure_ascii=False) + '\n'
            os.write(self.handle, line.encode())
