"""This process as one rank of a gang: rendezvous by the env:// variables, signals, agreement between the ranks."""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import timedelta

COLLECTIVE_SECONDS_MAX = 120
STOP_SECONDS_MAX = 10  # from SIGTERM to the end, whatever the other ranks do


class Signals:
    """SIGTERM asks for a last checkpoint and the end, SIGUSR1 for a checkpoint now.

    A thread waits for them, so that they are heard while the main thread sits in a collective. Make it before torch is
    imported: its threads must inherit the blocked mask.
    """

    def __init__(self) -> None:
        self.stop_wanted = False
        self.checkpoint_wanted = False
        self.in_loop = False
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            received = signal.sigwait({signal.SIGTERM, signal.SIGUSR1})
            self.checkpoint_wanted = True
            if received == signal.SIGTERM:
                if not self.in_loop:
                    os._exit(128 + signal.SIGTERM)
                self.stop_wanted = True
                threading.Timer(STOP_SECONDS_MAX, os._exit, (128 + signal.SIGTERM,)).start()


class Gang:
    """Rank, world size and device of this process, and the collectives the training loop needs."""

    def __init__(self) -> None:
        import torch

        self.rank = _number('RANK', 0)
        self.world_size = _number('WORLD_SIZE', 1)
        local_rank = _number('LOCAL_RANK', 0)
        torch.set_num_threads(max(1, _number('OMP_NUM_THREADS', 1)))
        if torch.cuda.is_available():
            self.device = torch.device('cuda', local_rank % torch.cuda.device_count())
            torch.cuda.set_device(self.device)
        else:
            self.device = torch.device('cpu')
        if self.world_size > 1:
            for name in ('RANK', 'MASTER_ADDR', 'MASTER_PORT'):
                if not os.environ.get(name):
                    sys.exit(_usage(f'WORLD_SIZE is {self.world_size} but {name} is not set'))
            if os.environ['MASTER_ADDR'] in ('127.0.0.1', 'localhost') and os.path.isdir('/sys/class/net/lo'):
                # Gloo would look up the host's own name, which in a container may not resolve.
                os.environ.setdefault('GLOO_SOCKET_IFNAME', 'lo')
            # From 2.4 on torch asks for a store on libuv, without which Debian builds it; few ranks need none.
            os.environ.setdefault('USE_LIBUV', '0')
            torch.distributed.init_process_group(
                'nccl' if self.device.type == 'cuda' else 'gloo',
                init_method='env://',
                timeout=timedelta(seconds=COLLECTIVE_SECONDS_MAX),
            )

    def from_first(self, value: object) -> object:
        """Rank 0's value, on every rank."""
        if self.world_size == 1:
            return value
        import torch

        box = [value]
        torch.distributed.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def sums(self, *values: float) -> list[float]:
        """The sums over all ranks of a few numbers."""
        if self.world_size == 1:
            return list(values)
        import torch

        tensor = torch.tensor(values, dtype=torch.float32, device=self.device)
        torch.distributed.all_reduce(tensor)
        return tensor.tolist()

    def leave(self) -> None:
        if self.world_size > 1:
            import torch

            torch.distributed.barrier()
            torch.distributed.destroy_process_group()


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit():
        sys.exit(_usage(f'{name}: expected an integer >= 0, got "{text}"'))
    return int(text)


def _usage(message: str) -> int:
    print(f'train.py: {message}', file=sys.stderr, flush=True)
    return 2
