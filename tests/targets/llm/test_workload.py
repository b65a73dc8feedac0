"""Language models as layers."""

import pytest

from targets.llm import UnknownModelError, comparison_weight_bits, llm_names, llm_shape, llm_workload

# Billions of weights without the embedding, which costs nothing: from the models' names, or their cards.
WEIGHTS = {"opt-1.3b": 1.31, "phi-2": 2.65, "yi-6b": 5.8, "llama-2-7b": 6.61, "llama-2-13b": 12.85, "llama-3-8b": 7.5}


@pytest.mark.parametrize("model", llm_names())
def test_llm_workload_has_the_models_weights(model):
    for stage in ("prefill", "decode"):
        workload = llm_workload(model, stage=stage)
        assert workload.params == pytest.approx(WEIGHTS[model] * 1e9, rel=0.01)


@pytest.mark.parametrize("mode", ["published", "refined"])
@pytest.mark.parametrize("model", llm_names())
def test_llm_workload_of_a_prompt_has_all_its_multiplications(model, mode):
    shape, context = llm_shape(model), 100
    workload = llm_workload(model, stage="prefill", context=context, mode=mode)
    head = shape.hidden * shape.vocabulary
    linear = (workload.params - head - sum(layer.params for layer in workload.layers if layer.kind == "norm")) * context
    attention = 2 * shape.blocks * context * context * shape.hidden
    assert workload.macs == linear + attention + head * (1 if mode == "refined" else context)


def test_llm_workload_figures_attention_counts_scores_once_for_every_head():
    published = llm_workload("opt-1.3b", stage="prefill")
    figures = llm_workload("opt-1.3b", stage="prefill", mode="figures")

    def scores(workload):
        return sum(layer.macs for layer in workload.layers if layer.name == "self_attn.attn_qk")

    assert scores(figures) == 32 * scores(published)


def test_llm_workload_tokens_repeat_the_step_at_the_published_context():
    one, three = (llm_workload("phi-2", stage="decode", tokens=tokens) for tokens in (1, 3))
    assert three.layers == one.layers * 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stage": "train"}, "stage must be prefill or decode, got 'train'"),
        ({"stage": "decode", "batch": 0}, "at least 1, got 0"),
        ({"stage": "decode", "context": 0}, "at least 1"),
        ({"stage": "prefill", "tokens": 2}, "got 2 in prefill"),
    ],
)
def test_llm_workload_senseless_sizes_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        llm_workload("phi-2", **changes)


def test_llm_workload_unknown_model_lists_the_known_ones():
    with pytest.raises(UnknownModelError, match=r"'gpt-9'; known: opt-1\.3b, "):
        llm_workload("gpt-9", stage="decode")


def test_comparison_weight_bits_are_the_authors_and_none_elsewhere():
    assert comparison_weight_bits("ant", "llama-2-13b", "decode", "published") == 4
    assert comparison_weight_bits("ant", "llama-2-13b", "decode", "refined") == 4
    assert comparison_weight_bits("olive", "llama-3-8b", "decode", "figures") == 3.5
    assert comparison_weight_bits("bitmod-lossy", "llama-2-7b", "prefill", "published") is None
