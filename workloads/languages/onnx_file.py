"""The exported model as an ONNX file, written field by field.

torch.onnx.export needs the package onnx from torch 2 on, and its graphs differ between versions. Field numbers are those of
onnx.proto3 (ModelProto, GraphProto, NodeProto, TensorProto, ValueInfoProto); the operators are of opset 13.
"""

from __future__ import annotations

import numpy as np

IR_VERSION = 7
OPSET = 13
_FLOAT, _INT8, _INT64 = 1, 3, 7
_TYPES = {'float32': _FLOAT, 'int8': _INT8, 'int64': _INT64}


def onnx_model(table: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> bytes:
    """The bytes of the file. `table` is int8 and ends in a row of zeros, whose number is the padding of the input.

    Input `rows`: int64, texts x features. Outputs `logits` and `probabilities`: float32, texts x labels.
    """
    labels = len(bias)
    tensors = {
        'table': table,
        'weight': np.ascontiguousarray(weight.T),
        'bias': bias,
        'padding': np.array(len(table) - 1, dtype=np.int64),
        'features_axis': np.array([1], dtype=np.int64),
        'one': np.array(1, dtype=np.float32),
    }
    nodes = [
        _node('Equal', ['rows', 'padding'], 'is_padding'),
        _node('Not', ['is_padding'], 'is_feature'),
        _node('Cast', ['is_feature'], 'present', to=_FLOAT),
        _node('ReduceSum', ['present', 'features_axis'], 'count', keepdims=1),
        _node('Max', ['count', 'one'], 'count_min_1'),
        _node('Sqrt', ['count_min_1'], 'divisor'),
        _node('Gather', ['table', 'rows'], 'gathered', axis=0),
        _node('Cast', ['gathered'], 'gathered_float', to=_FLOAT),
        _node('ReduceSum', ['gathered_float', 'features_axis'], 'sum', keepdims=0),
        _node('Div', ['sum', 'divisor'], 'scaled'),
        _node('MatMul', ['scaled', 'weight'], 'product'),
        _node('Add', ['product', 'bias'], 'logits'),
        _node('Softmax', ['logits'], 'probabilities', axis=1),
    ]
    graph = b''.join(
        [
            *(_message(1, node) for node in nodes),
            _text(2, 'language_identifier'),
            *(_message(5, _tensor(name, array)) for name, array in tensors.items()),
            _message(11, _value('rows', _INT64, ['texts', 'features'])),
            _message(12, _value('logits', _FLOAT, ['texts', labels])),
            _message(12, _value('probabilities', _FLOAT, ['texts', labels])),
        ]
    )
    opset = _text(1, '') + _integer(2, OPSET)
    return _integer(1, IR_VERSION) + _text(2, 'orrery') + _message(7, graph) + _message(8, opset)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, payload: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(payload)) + payload


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _node(operator: str, inputs: list[str], output: str, **attributes: int) -> bytes:
    integer_type = 2
    return b''.join(
        [
            *(_text(1, name) for name in inputs),
            _text(2, output),
            _text(4, operator),
            *(
                _message(5, _text(1, name) + _integer(3, value) + _integer(20, integer_type))
                for name, value in attributes.items()
            ),
        ]
    )


def _tensor(name: str, array: np.ndarray) -> bytes:
    sizes = b''.join(_integer(1, size) for size in array.shape)
    little_endian = array.astype(array.dtype.newbyteorder('<')).tobytes()
    return sizes + _integer(2, _TYPES[array.dtype.name]) + _text(8, name) + _message(9, little_endian)


def _value(name: str, element: int, shape: list[str | int]) -> bytes:
    sizes = (_text(2, size) if isinstance(size, str) else _integer(1, size) for size in shape)
    dimensions = b''.join(_message(1, size) for size in sizes)
    return _text(1, name) + _message(2, _message(1, _integer(1, element) + _message(2, dimensions)))
