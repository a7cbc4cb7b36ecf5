"""TFLite Metadata inside the flatbuffer, so that other tools know input, normalization and labels.

The format is TensorFlow Lite's `metadata_schema.fbs` 1.1, root `ModelMetadata`, identifier M001;
the numbers below are its field numbers. The labels file that it names is the bundle's `labels.txt`:
the standard expects such files in a ZIP appended to the model, and a bundle has one.
"""

from typing import Any

from edge_app.model.card import ModelCard

ENTRY = b"TFLITE_METADATA"
IDENTIFIER = b"M001"
PARSER_VERSION = "1.0.0"  # the oldest that knows every field used here
MODEL_IDENTIFIER = b"TFL3"
ALIGNMENT_BYTES = 16  # of every buffer in a model, as the schema requires
FEATURE, IMAGE = 1, 2  # ContentProperties
GRAYSCALE = 2  # ColorSpaceType
NORMALIZATION = 1  # ProcessUnitOptions
AXIS_LABELS = 2  # AssociatedFileType
MEANINGS = {
    "logits": "One logit a class: divide by the temperature in card.json, then apply softmax.",
    "class_map": "One logit a class and place of the film; its mean over the places is the logits.",
    "features": "Pooled features, for telling films from things that are no chest film.",
}


def with_metadata(model: bytes, card: ModelCard) -> bytes:
    """A model with its TFLite Metadata and without the names of its inner tensors; nothing else changes.

    Args:
        model: a .tflite file without a bundle's ZIP.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    root = schema.ModelT.InitFromPackedBuf(model, 0)
    shapes = [[int(side) for side in root.subgraphs[0].tensors[index].shape] for index in root.subgraphs[0].outputs]
    buffer = schema.BufferT()
    buffer.data = list(metadata_of(card, [output_name(shape, len(card.labels)) for shape in shapes]))
    entry = schema.MetadataT()
    entry.name, entry.buffer = ENTRY, len(root.buffers)
    root.buffers.append(buffer)
    root.metadata = [*(root.metadata or []), entry]
    return _written(root)


def without_names(model: bytes) -> bytes:
    """A model without the names of its inner tensors, which no runtime reads: a twentieth of a small file."""
    from tensorflow.lite.python import schema_py_generated as schema

    return _written(schema.ModelT.InitFromPackedBuf(model, 0))


def _written(root: Any) -> bytes:
    """The model as bytes; only its inputs and outputs keep their names."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    for graph in root.subgraphs:
        ends = {*map(int, graph.inputs), *map(int, graph.outputs)}
        for number, tensor in enumerate(graph.tensors):
            tensor.name = tensor.name if number in ends else b""
    root.buffers = [_aligned(held, schema) for held in root.buffers]
    builder = flatbuffers.Builder(2**20)
    builder.Finish(root.Pack(builder), MODEL_IDENTIFIER)
    return bytes(builder.Output())


def output_name(shape: list[int], class_count: int) -> str:
    """Which of the kit's outputs has this shape; the device tells them apart in the same way."""
    if len(shape) == 4:
        return "class_map"
    return "logits" if shape[-1] == class_count else "features"


def metadata_of(card: ModelCard, outputs: list[str]) -> bytes:
    """The metadata flatbuffer.

    Args:
        outputs: names of the model's outputs, in its order.
    """
    import flatbuffers

    builder = flatbuffers.Builder(2048)
    inputs = [_input(builder, card)]
    given = [_output(builder, name) for name in outputs]
    graph = _table(builder, 7, {2: _vector(builder, inputs), 3: _vector(builder, given)})
    text = {
        0: builder.CreateString(card.name),
        1: builder.CreateString(card.intended_use),
        2: builder.CreateString(card.version),
        4: builder.CreateString("cxr-edge-kit"),
        5: builder.CreateString(f"Data: {card.data_attribution} ({card.data_licence})"),
        7: builder.CreateString(PARSER_VERSION),
    }
    builder.Finish(_table(builder, 8, text | {3: _vector(builder, [graph])}), IDENTIFIER)
    return bytes(builder.Output())


def _input(builder: Any, card: ModelCard) -> int:
    """The film: gray, 0..255, neither shifted nor scaled before quantization."""
    builder.StartObject(2)
    builder.PrependUint32Slot(0, card.input_size_px, 0)
    builder.PrependUint32Slot(1, card.input_size_px, 0)
    size = builder.EndObject()
    builder.StartObject(2)
    builder.PrependInt8Slot(0, GRAYSCALE, 0)
    builder.PrependUOffsetTRelativeSlot(1, size, 0)
    content = _content(builder, IMAGE, builder.EndObject())
    normalization = _table(builder, 2, {0: _floats(builder, 0.0), 1: _floats(builder, 1.0)})
    builder.StartObject(2)
    builder.PrependUint8Slot(0, NORMALIZATION, 0)
    builder.PrependUOffsetTRelativeSlot(1, normalization, 0)
    unit = builder.EndObject()
    stats = _table(builder, 2, {0: _floats(builder, 255.0), 1: _floats(builder, 0.0)})
    name = builder.CreateString("film")
    meaning = builder.CreateString(f"A chest film after preprocessing {card.preprocessing_id}; bright is dense.")
    return _table(builder, 7, {0: name, 1: meaning, 3: content, 4: _vector(builder, [unit]), 5: stats})


def _output(builder: Any, name: str) -> int:
    builder.StartObject(0)
    fields = {3: _content(builder, FEATURE, builder.EndObject())}
    fields |= {0: builder.CreateString(name), 1: builder.CreateString(MEANINGS[name])}
    if name != "features":
        file_name = builder.CreateString("labels.txt")
        builder.StartObject(4)
        builder.PrependUOffsetTRelativeSlot(0, file_name, 0)
        builder.PrependInt8Slot(2, AXIS_LABELS, 0)
        fields[6] = _vector(builder, [builder.EndObject()])
    return _table(builder, 7, fields)


def _content(builder: Any, kind: int, properties: int) -> int:
    builder.StartObject(3)
    builder.PrependUint8Slot(0, kind, 0)
    builder.PrependUOffsetTRelativeSlot(1, properties, 0)
    return int(builder.EndObject())


def _table(builder: Any, field_count: int, offsets: dict[int, int]) -> int:
    """A table whose fields are all strings, vectors or tables written earlier."""
    builder.StartObject(field_count)
    for field, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: Any, value: float) -> int:
    builder.StartVector(4, 1, 4)
    builder.PrependFloat32(value)
    return int(builder.EndVector())


def _aligned(buffer: Any, schema: Any) -> Any:
    """The same buffer, aligned to 16 bytes; the generated Python code ignores that rule of the schema."""

    class Aligned(schema.BufferT):
        """A buffer that is padded before it is written."""

        def Pack(self, builder: Any) -> int:  # noqa: N802
            if self.data is not None:
                builder.Prep(ALIGNMENT_BYTES, len(self.data))
            return int(super().Pack(builder))

    held = Aligned()
    held.__dict__.update(vars(buffer))
    return held
