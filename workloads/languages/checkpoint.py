"""Checkpoints that are whole or absent, and are known to be whole when read.

A file is the SHA-256 of its payload in hexadecimal, a newline, the payload (torch.save). It is written under another name,
flushed to the disk, renamed, and then the folder is flushed: after a crash at any instant the newest complete one is found.
"""

from __future__ import annotations

import hashlib
import io
import os
import re

import torch

KEPT = 2
_NAME = re.compile(r'^step-(\d{8})\.ckpt$')
_PARTIAL = '.partial'


def write_durably(path: str, *parts: bytes) -> None:
    """Writes a file by write, fsync, rename, fsync of the folder. Raises OSError."""
    partial = path + _PARTIAL
    with open(partial, 'wb') as stream:
        for part in parts:
            stream.write(part)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(partial, path)
    sync_folder(os.path.dirname(path))


def sync_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def encode(state: dict) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def decode(payload: bytes) -> dict:
    """The state in a payload. Only tensors and plain values are accepted, never code."""
    return torch.load(io.BytesIO(payload), map_location='cpu', weights_only=True)


def save(folder: str, step: int, state: dict) -> int:
    """Writes the checkpoint of a step, then removes all but the last `KEPT`. Returns its size in bytes."""
    payload = encode(state)
    header = hashlib.sha256(payload).hexdigest().encode() + b'\n'
    write_durably(os.path.join(folder, f'step-{step:08d}.ckpt'), header, payload)
    for old in steps(folder)[KEPT:]:
        os.unlink(os.path.join(folder, f'step-{old:08d}.ckpt'))
    return len(header) + len(payload)


def steps(folder: str) -> list[int]:
    """Steps that have a checkpoint, newest first."""
    found = [int(match.group(1)) for match in map(_NAME.match, os.listdir(folder)) if match]
    return sorted(found, reverse=True)


def newest(folder: str) -> tuple[bytes | None, list[str]]:
    """The payload of the newest whole checkpoint, and a message for each damaged one that was passed over."""
    passed: list[str] = []
    for step in steps(folder):
        name = f'step-{step:08d}.ckpt'
        with open(os.path.join(folder, name), 'rb') as stream:
            digest, newline, payload = stream.read().partition(b'\n')
        if newline and hashlib.sha256(payload).hexdigest().encode() == digest:
            return payload, passed
        passed.append(f'{name} is damaged (its checksum differs): trying the one before')
    return None, passed


def clean(folder: str) -> None:
    """Removes what an interrupted write left behind."""
    for name in os.listdir(folder):
        if name.endswith(_PARTIAL):
            os.unlink(os.path.join(folder, name))
