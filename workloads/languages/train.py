#!/usr/bin/env python3
"""Trains a language identifier with DistributedDataParallel and survives being interrupted.

An interrupted run ends with the same weights as an uninterrupted one with the same flags, world size and threads per rank:
batches depend on (seed, step, rank) only, and a checkpoint holds the parameters and the optimizer's state.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time

sys.dont_write_bytecode = True  # the folder may be shared by ranks, or read-only

from declarations import Corpus, DataError, find_package, load
from gang import Gang, Signals
from settings import ORDER, Settings, parse

# Before torch is imported, which takes seconds: a wrong flag or folder is answered at once.
SETTINGS = parse()
try:
    PACKAGE = find_package(SETTINGS.data)
except DataError as missing:
    print(f'train.py: {missing}', file=sys.stderr, flush=True)
    sys.exit(2)
SIGNALS = Signals()

import torch
from torch.nn.functional import cross_entropy

import checkpoint
from evaluate import evaluate
from export import export
from features import Hashing, translation
from model import Identifier, inputs, weights_digest
from report import Report
from sampling import Sampler

REPORT_EVERY = 10
BETAS = (0.9, 0.99)
_LOST_RANK = re.compile('gloo|nccl|connection|socket|store|timed out', re.IGNORECASE)


class Refused(Exception):
    """The run cannot begin as asked; the message is one line for the user."""


class Run:
    """One attempt at a training run, on one rank."""

    def __init__(self, settings: Settings, gang: Gang, corpus: Corpus, report: Report):
        self.settings, self.gang, self.corpus, self.report = settings, gang, corpus, report
        self.attempt = int(os.environ.get('ORRERY_ATTEMPT') or 1)
        self.hashing = Hashing(settings.bits, ORDER)
        self.table = translation()
        self.sampler = Sampler(corpus.train, self.table, self.hashing)
        self.model = Identifier(1 << settings.bits, settings.width, len(corpus.labels), settings.seed).to(gang.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=settings.learning_rate, betas=BETAS)
        self.identity = settings.identity(gang.world_size, corpus.digest)
        self.step = 0

    def resume(self) -> None:
        """Continues from the newest whole checkpoint, if there is one. Rank 0 reads it for all."""
        folder = self.settings.checkpoint_dir
        if folder is None:
            self.report.say('no checkpoint folder (ORRERY_CHECKPOINT_DIR, --checkpoint-dir): an interrupted run starts anew')
            return
        payload = None
        if self.gang.rank == 0:
            os.makedirs(folder, exist_ok=True)
            checkpoint.clean(folder)
            payload, passed = checkpoint.newest(folder)
            for message in passed:
                self.report.say(f'checkpoint {message}')
                self.report.record(event='checkpoint-skipped', reason=message)
        payload = self.gang.from_first(payload)
        if payload is None:
            return
        state = checkpoint.decode(payload)
        identity = json.loads(state['identity'])
        for name, value in self.identity.items():
            if identity.get(name) != value:
                # Every rank finds the same: one that ended before the others would pull the rug from under them.
                self.gang.leave()
                raise Refused(
                    f'the checkpoint in {folder} belongs to another run: its {name} is {identity.get(name)}, now {value}; '
                    'give the same flags or an empty folder'
                )
        self.model.load_state_dict(state['model'])
        groups = self.optimizer.state_dict()['param_groups']
        self.optimizer.load_state_dict({'state': state['optimizer'], 'param_groups': groups})
        self.step = state['step']
        self.report.say(f'resumed at step {self.step} of {self.settings.steps} (attempt {self.attempt})')
        self.report.record(event='resumed', step=self.step, steps=self.settings.steps, attempt=self.attempt)

    def save(self) -> None:
        """Writes a checkpoint (rank 0; the weights are the same everywhere)."""
        if self.settings.checkpoint_dir is None or self.gang.rank != 0:
            return
        begin = time.monotonic()
        # Tensors, integers and strings only: what torch 1.13 reads back without running code. The learning rate follows
        # from the step.
        state = {
            'identity': json.dumps(self.identity),
            'step': self.step,
            'model': self.model.state_dict(),
            'optimizer': self.optimizer.state_dict()['state'],
        }
        size = checkpoint.save(self.settings.checkpoint_dir, self.step, state)
        seconds = time.monotonic() - begin
        self.report.record(
            event='checkpoint', step=self.step, seconds=round(seconds, 3), bytes=size, attempt=self.attempt
        )

    def train(self) -> None:
        settings, gang, report = self.settings, self.gang, self.report
        model = self.model
        if gang.world_size > 1:
            model = torch.nn.parallel.DistributedDataParallel(self.model, gradient_as_bucket_view=True)
        samples_per_step = settings.batch_size * gang.world_size
        since, since_step, busy = time.monotonic(), self.step, 0.0
        SIGNALS.in_loop = True
        while self.step < settings.steps:
            for group in self.optimizer.param_groups:
                group['lr'] = settings.learning_rate * (1 - self.step / settings.steps)
            begin = time.monotonic()
            rows, counts, labels = self.sampler.batch(settings.seed, self.step, gang.rank, settings.batch_size)
            logits = model(*inputs(rows, counts, gang.device))
            loss = cross_entropy(logits, torch.from_numpy(labels).to(gang.device))
            # From here on the ranks wait for each other: what came before is this rank's own.
            busy += time.monotonic() - begin
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.step += 1
            # Every rank sees the same sums, so all act on a signal, whichever rank it reached, at the same step.
            loss_sum, wanted, stop = gang.sums(loss.item(), SIGNALS.checkpoint_wanted, SIGNALS.stop_wanted)
            if self.step % REPORT_EVERY == 0 or self.step == settings.steps:
                now = time.monotonic()
                rate = samples_per_step * (self.step - since_step) / max(now - since, 1e-9)
                report.record_pace(self.step, busy / (self.step - since_step))
                since, since_step, busy = now, self.step, 0.0
                self._progress(loss_sum / gang.world_size, rate)
            if wanted or self.step % settings.checkpoint_every == 0 or self.step == settings.steps:
                SIGNALS.checkpoint_wanted = False
                self.save()
            if stop:
                report.say(f'SIGTERM: stopped at step {self.step}')
                report.record(event='stopped', step=self.step, attempt=self.attempt)
                sys.stdout.flush()
                os._exit(143)
        SIGNALS.in_loop = False

    def _progress(self, loss: float, rate: float) -> None:
        steps = self.settings.steps
        self.report.say(
            f'step {self.step}/{steps}  loss {loss:.3f}  {rate:.0f} samples/s  {100 * self.step / steps:.1f} %'
        )
        self.report.record(
            step=self.step,
            steps=steps,
            loss=round(loss, 5),
            samplesPerSecond=round(rate, 1),
            progress=round(self.step / steps, 5),
            attempt=self.attempt,
        )

    def finish(self) -> None:
        """Evaluates the model as it is exported, and exports it (rank 0)."""
        if self.gang.rank != 0:
            return
        begin = time.monotonic()
        result = export(
            self.settings.output,
            self.model,
            self.hashing,
            self.corpus,
            self.table,
            measure=lambda logits: evaluate(self.corpus.test, self.table, self.hashing, logits),
            training={
                'jobId': os.environ.get('ORRERY_JOB_ID'),
                'gitCommit': os.environ.get('ORRERY_GIT_COMMIT'),
                'attempt': self.attempt,
                'seed': self.settings.seed,
                'steps': self.settings.steps,
                'batchSize': self.settings.batch_size,
                'learningRate': self.settings.learning_rate,
                'worldSize': self.gang.world_size,
                'validation': self.settings.validation,
                'torch': torch.__version__,
                'weightsDigest': weights_digest(self.model),
            },
        )
        self.report.say(
            f'accuracy {100 * result["accuracy"]:.2f} % on whole sentences, {100 * result["accuracy30"]:.2f} % on their first '
            f'30 characters: macro average over {result["labels"]} languages, {result["sentences"]} sentences'
        )
        self.report.say(f'weights {weights_digest(self.model)}')
        self.report.say(f'model written to {os.path.abspath(self.settings.output)}')
        self.report.record(
            event='evaluated',
            **result,
            weightsDigest=weights_digest(self.model),
            output=os.path.abspath(self.settings.output),
            seconds=round(time.monotonic() - begin, 3),
            attempt=self.attempt,
        )


def main() -> int:
    try:
        gang = Gang()
        report = Report(gang.rank)
        corpus = load(PACKAGE, SETTINGS.declarations_max, SETTINGS.validation)
        run = Run(SETTINGS, gang, corpus, report)
        backend = f'{gang.world_size} ranks' if gang.world_size > 1 else 'one process'
        report.say(
            f'{len(corpus.labels)} languages, {len(corpus.train)} train sentences, {len(corpus.test)} test sentences; '
            f'{backend} on {gang.device.type}, torch {torch.__version__}'
        )
        run.resume()
        report.record(event='started', step=run.step, steps=SETTINGS.steps, worldSize=gang.world_size, attempt=run.attempt)
        run.train()
        run.finish()
        gang.leave()
    except (DataError, Refused) as error:
        print(f'train.py: {error}', file=sys.stderr, flush=True)
        return 2
    except RuntimeError as error:
        if _LOST_RANK.search(str(error)):
            rank = os.environ.get('RANK', '0')
            print(f'train.py: rank {rank} lost the others: {str(error).splitlines()[0]}', file=sys.stderr, flush=True)
            return 1
        raise
    except OSError as error:
        print(f'train.py: {error.filename or "write"}: {error.strerror or error}', file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
