"""The identifier: an embedding bag over hashed features and a linear layer."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Identifier(nn.Module):
    """logits = W (sum of the rows / sqrt(number of features)) + b: longer texts give surer answers.

    All weights are one flat parameter. DistributedDataParallel regroups several gradients after the first step, and with
    three ranks or more the grouping decides the order of additions: a resumed run would differ in the last bits.
    """

    def __init__(self, rows: int, width: int, labels: int, seed: int):
        super().__init__()
        self.shapes = ((rows, width), (labels, width), (labels,))
        random = torch.Generator().manual_seed(seed)
        table = torch.randn(rows * width, generator=random) * 0.01
        weight = torch.randn(labels * width, generator=random) * 0.1
        self.flat = nn.Parameter(torch.cat([table, weight, torch.zeros(labels)]))

    def parts(self) -> tuple[torch.Tensor, ...]:
        """Views of the table (rows x width), the linear layer's weight (labels x width) and its bias (labels)."""
        pieces = self.flat.split([math.prod(shape) for shape in self.shapes])
        return tuple(piece.view(shape) for piece, shape in zip(pieces, self.shapes))

    def forward(self, rows: torch.Tensor, offsets: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        table, weight, bias = self.parts()
        summed = functional.embedding_bag(rows, table, offsets, mode='sum')
        return functional.linear(summed * scale[:, None], weight, bias)


def inputs(rows: np.ndarray, counts: np.ndarray, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The arguments of `Identifier.forward` for a bag."""
    offsets = np.cumsum(counts) - counts
    scale = 1.0 / np.sqrt(np.maximum(counts, 1)).astype(np.float32)
    return tuple(torch.from_numpy(array).to(device) for array in (rows, offsets, scale))


def weights_digest(model: Identifier) -> str:
    """SHA-256 of the weights: equal exactly when they are bit-identical."""
    return hashlib.sha256(model.flat.detach().cpu().numpy().tobytes()).hexdigest()
