"""Language models as workloads: reading a prompt (prefill) and writing the next token (decode).

llm_workload("llama-2-7b", stage="decode", batch=1, context=256)
"""

from targets.llm.models import LlmShape, UnknownModelError, llm_names, llm_shape
from targets.llm.precisions import comparison_weight_bits
from targets.llm.workload import Stage, llm_workload

__all__ = [
    "LlmShape",
    "Stage",
    "UnknownModelError",
    "comparison_weight_bits",
    "llm_names",
    "llm_shape",
    "llm_workload",
]
