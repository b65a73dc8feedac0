"""Which layers a user's layers read, by name, as `Workload.reads` has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from service.errors import FieldError, InvalidRequestError
from service.problems import json_pointer
from service.schemas.simulation import LayerInput
from spaces.wiring import Reads, from_inputs

# What a layer reads that reads the network's input, where no layer has that name.
NETWORK_INPUT: Final = "input"


def named_reads(layers: Sequence[LayerInput]) -> Reads:
    """What each layer reads; one that does not say it reads the layer before it. Empty if none says anything.

    Raises: InvalidRequestError that points at each name of no layer, of several, or of none before.
    """
    if all(layer.reads is None for layer in layers):
        return ()
    count = Counter(layer.name for layer in layers)
    before: dict[str, int] = {}
    inputs: list[list[int]] = []
    faults: list[FieldError] = []
    for number, layer in enumerate(layers):
        if layer.reads is None:
            inputs.append([number - 1] if number else [])
        else:
            inputs.append([before[name] for name in dict.fromkeys(layer.reads) if name in before])
            faults += [
                FieldError(reason, pointer=json_pointer(["layers", number, "reads", place]))
                for place, name in enumerate(layer.reads)
                if (reason := _fault(name, count, before))
            ]
        before[layer.name] = number
    if faults:
        raise InvalidRequestError(faults)
    return from_inputs(inputs)


def _fault(name: str, count: Mapping[str, int], before: Mapping[str, int]) -> str | None:
    named = count.get(name, 0)
    if named > 1:
        return f"{named} layers are called {name!r}: those that are read need names of their own"
    if named == 0 and name != NETWORK_INPUT:
        return f"no layer is called {name!r}; {NETWORK_INPUT!r} is the network's input"
    if named and name not in before:
        return f"the layer {name!r} comes no earlier: layers stand in the order in which they run"
    return None
