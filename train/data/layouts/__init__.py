"""How films may be laid out on disk: one module per layout, each with a `LAYOUT` that `train.data.sources` lists."""
