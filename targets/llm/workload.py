"""The layers that a language model runs for a prompt or for the next token.

Source: Chen et al. 2025, "BitMoD" (arXiv 2411.11745), sec. 5, and its code. Linear layers and the two products of
attention, each once per block, and the output projection; embeddings and rotary positions cost nothing. Attention is a
`matmul` with a group per key/value head: keys (context x head size) and values (head size x context) are the stationary
operand, and the query heads that share them come as rows.

What differs by mode:

- `published`: the output projection runs for every token of the prompt; all decoding steps see the same context.
- `figures`: also, attention as the code behind the paper's figures had it: the scores of every head are computed over
  the full hidden width, and their products with the values as one matrix of heads x context rows.
- `refined`: the output projection runs for the last token only; the context grows by one with each decoding step;
  norms, softmax and residual additions are layers too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, get_args

from spaces.base import Layer, Workload
from targets.base import Mode
from targets.llm.models import LlmShape, llm_shape

Stage = Literal["prefill", "decode"]


class _Names(NamedTuple):
    query: str
    key: str
    value: str
    out: str
    ffn_in: tuple[str, ...]
    ffn_out: str


_QKV: Final = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
_NAMES: Final = {
    "opt": _Names(*_QKV, "self_attn.out_proj", ("fc1",), "fc2"),
    "phi": _Names(*_QKV, "self_attn.dense", ("mlp.fc1",), "mlp.fc2"),
    "llama": _Names(*_QKV, "self_attn.o_proj", ("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj"),
}


def llm_workload(
    model: str, *, stage: Stage, batch: int = 1, context: int = 256, tokens: int = 1, mode: Mode = "published"
) -> Workload:
    """Layers of one run, in execution order, for one sequence of the batch.

    Args:
        stage: `prefill` reads a prompt of `context` tokens; `decode` writes the next token after `context` others.
        batch: sequences that run together.
        tokens: decoding steps; 1 in prefill.

    Raises:
        UnknownModelError.
        ValueError: a size below 1, or several tokens in prefill.
    """
    shape = llm_shape(model)
    if stage not in get_args(Stage):
        raise ValueError(f"stage must be prefill or decode, got {stage!r}")
    if min(batch, context, tokens) < 1:
        raise ValueError(f"batch, context and tokens must be at least 1, got {batch}, {context} and {tokens}")
    if stage == "prefill" and tokens != 1:
        raise ValueError(f"tokens are written by the stage decode, got {tokens} in prefill")
    layers: list[Layer] = []
    for step in range(tokens):
        seen = context + step + 1 if mode == "refined" and stage == "decode" else context
        layers += _forward(shape, context if stage == "prefill" else 1, seen, mode)
    return Workload(tuple(layers), input_shape=(shape.hidden, context if stage == "prefill" else 1), batch=batch)


def _forward(shape: LlmShape, rows: int, context: int, mode: Mode) -> list[Layer]:
    """One pass of `rows` tokens that attend to `context` ones."""
    block = list(_block(shape, rows, context, mode))
    last = 1 if mode == "refined" else rows
    head = [_linear("lm_head", shape.hidden, shape.vocabulary, last)]
    final_norm = [_norm("norm", shape.hidden, last)] if mode == "refined" else []
    return [*block * shape.blocks, *final_norm, *head]


def _block(shape: LlmShape, rows: int, context: int, mode: Mode) -> Iterator[Layer]:
    names = _NAMES[shape.names]
    hidden, kv_width = shape.hidden, shape.kv_heads * shape.head_size
    is_refined = mode == "refined"
    if is_refined:
        yield _norm("input_layernorm", hidden, rows)
    yield _linear(names.query, hidden, hidden, rows)
    yield _linear(names.key, hidden, kv_width, rows)
    yield _linear(names.value, hidden, kv_width, rows)
    yield from (
        _figures_attention(shape, rows, context)
        if mode == "figures"
        else _attention(shape, rows, context, has_softmax=is_refined)
    )
    yield _linear(names.out, hidden, hidden, rows)
    if is_refined:
        yield _residual("self_attn.residual", hidden, rows)
        yield _norm("post_attention_layernorm", hidden, rows)
    for name in names.ffn_in:
        yield _linear(name, hidden, shape.ffn, rows)
    if is_refined:
        yield Layer("mlp.act_fn", "activation", shape.ffn, shape.ffn, in_width=rows, out_width=rows)
    yield _linear(names.ffn_out, shape.ffn, hidden, rows)
    if is_refined:
        yield _residual("mlp.residual", hidden, rows)


def _attention(shape: LlmShape, rows: int, context: int, *, has_softmax: bool) -> Iterator[Layer]:
    """Scores and weighted values, a group per key/value head; the query heads that share one are further rows."""
    groups, size = shape.kv_heads, shape.head_size
    shared_rows = shape.heads // groups * rows
    scores = groups * context
    yield Layer(
        "self_attn.attn_qk",
        "matmul",
        groups * size,
        scores,
        in_width=shared_rows,
        out_width=shared_rows,
        groups=groups,
        is_output_streamed=True,
    )
    if has_softmax:
        yield Layer(
            "self_attn.softmax",
            "activation",
            scores,
            scores,
            in_width=shared_rows,
            out_width=shared_rows,
            is_input_streamed=True,
            is_output_streamed=True,
        )
    yield Layer(
        "self_attn.attn_v",
        "matmul",
        scores,
        groups * size,
        in_width=shared_rows,
        out_width=shared_rows,
        groups=groups,
        is_input_streamed=True,
    )


def _figures_attention(shape: LlmShape, rows: int, context: int) -> Iterator[Layer]:
    """Attention of the paper's figures: heads counted into the rows, contraction over the full width.

    The operands' sizes do not fit together, so each layer is written as one row of `kernel` inputs for each output,
    with the counted input (a key/value width for each row) as its feature map.
    """
    kv_width = shape.kv_heads * shape.head_size
    yield _crude("self_attn.attn_qk", shape.hidden, rows, shape.heads * rows, kv_width)
    yield _crude("self_attn.attn_v", context, shape.heads * rows, rows, kv_width)


def _crude(name: str, contracted: int, columns: int, rows: int, in_row: int) -> Layer:
    return Layer(
        name,
        "matmul",
        1,
        columns,
        in_height=in_row,
        in_width=rows,
        out_width=rows,
        kernel=contracted,
        kernel_width=1,
    )


def _linear(name: str, inputs: int, outputs: int, rows: int) -> Layer:
    return Layer(name, "linear", inputs, outputs, in_width=rows, out_width=rows)


def _norm(name: str, width: int, rows: int) -> Layer:
    return Layer(name, "norm", width, width, in_width=rows, out_width=rows)


def _residual(name: str, width: int, rows: int) -> Layer:
    return Layer(name, "add", width, width, in_width=rows, out_width=rows, inputs=2)
