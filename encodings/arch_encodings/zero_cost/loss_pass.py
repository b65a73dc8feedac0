"""The one forward run that nine proxies share, and the gradients that they need of it.

The loss's gradient gives grad_norm, plain, snip and fisher, a second derivative grasp, the outputs' gradient by the
images jacov and epe_nas, and the signs before the activations nwot. Each is computed only if it is asked for.

Source: NAS-Bench-Suite-Zero (Krishnakumar et al. 2022, arXiv 2210.03230), after Abdelfattah et al. 2021,
arXiv 2101.08134: cross entropy, batch norms on their batch, weights of convolutions and linear layers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from arch_encodings.zero_cost import batch_kernels
from arch_encodings.zero_cost.subject import Subject, Weighted, weighted_layers

_SWITCHES = (nn.ReLU, nn.Hardswish)
_OF_JACOBIAN: Final = frozenset({"epe_nas", "jacov"})
_OF_GRADIENT: Final = frozenset({"fisher", "grad_norm", "grasp", "plain", "snip"})


def loss_pass(subject: Subject, names: frozenset[str]) -> dict[str, float]:
    """Those of the nine that are asked for."""
    network = subject.network()
    run = _Run(network, names)
    batch = subject.batch()
    images, labels = batch.images, batch.labels
    needs_graph = bool(names & (_OF_JACOBIAN | _OF_GRADIENT))
    with torch.set_grad_enabled(needs_graph):
        inputs = images.clone(memory_format=torch.channels_last)
        inputs.requires_grad_(bool(names & _OF_JACOBIAN))
        logits = network(inputs)
    values: dict[str, float] = {}
    if "nwot" in names:
        values["nwot"] = batch_kernels.nwot(run.agreement())
    if names & _OF_JACOBIAN:
        jacobians = torch.autograd.grad(logits.sum(), inputs, retain_graph=bool(names & _OF_GRADIENT))[0]
        values |= _of_jacobian(jacobians.flatten(1), labels, logits.shape[1])
    if names & _OF_GRADIENT:
        values |= run.of_gradient(cross_entropy(logits, labels))
    return values


@dataclass(slots=True)
class _Run:
    """What hooks keep of a forward run."""

    network: nn.Module
    names: frozenset[str]
    outputs: dict[Weighted, Tensor] = field(default_factory=dict)
    alike: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        if "nwot" in self.names:
            for module in self.network.modules():
                if isinstance(module, _SWITCHES):
                    module.register_forward_pre_hook(self._keep_alike)
        if "fisher" in self.names:
            for layer in weighted_layers(self.network):
                layer.register_forward_hook(self._keep_output)

    def agreement(self) -> np.ndarray:
        """(batch, batch) float64 number of activations that two samples switch alike."""
        return np.sum([kernel.double().numpy() for kernel in self.alike], axis=0)

    def of_gradient(self, loss: Tensor) -> dict[str, float]:
        """The proxies on the loss's gradient by weights and by layers' outputs."""
        weights = [layer.weight for layer in weighted_layers(self.network)]
        outputs = list(self.outputs.values())
        gradients = torch.autograd.grad(
            loss, [*weights, *outputs], create_graph="grasp" in self.names, materialize_grads=True
        )
        by_weight, by_output = gradients[: len(weights)], gradients[len(weights) :]
        values: dict[str, float] = {}
        if "grasp" in self.names:
            values["grasp"] = _grasp(weights, by_weight)
        with torch.no_grad():
            products = [w * g for w, g in zip(weights, by_weight, strict=True)]
            values["grad_norm"] = sum(gradient.norm().item() for gradient in by_weight)
            values["plain"] = sum(product.sum().item() for product in products)
            values["snip"] = sum(product.abs().sum().item() for product in products)
            values["fisher"] = sum(
                _fisher(output, gradient, layer.weight)
                for (layer, output), gradient in zip(self.outputs.items(), by_output, strict=True)
            )
        return values

    def _keep_alike(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].detach()
        # In their order in memory: it makes no difference to counts, which float32 has exactly up to 2**24.
        values = values.movedim(1, -1) if values.is_contiguous(memory_format=torch.channels_last) else values
        is_on = (values > 0).flatten(1).float()
        both = is_on @ is_on.T
        on = both.diagonal()
        self.alike.append(values[0].numel() - on[:, None] - on + 2 * both)

    def _keep_output(self, module: Weighted, _: tuple[Tensor, ...], output: Tensor) -> None:
        self.outputs[module] = output


def _grasp(weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> float:
    """Minus the weights times (Hessian times gradient). Source: Wang et al. 2020, arXiv 2002.07376."""
    product = torch.stack([(gradient.detach() * gradient).sum() for gradient in gradients]).sum()
    curvatures = torch.autograd.grad(product, weights, materialize_grads=True)
    return -sum((w.detach() * h).sum().item() for w, h in zip(weights, curvatures, strict=True))


def _fisher(output: Tensor, gradient: Tensor, weight: Tensor) -> float:
    """Half the mean square over the batch of each channel's output times gradient, once for each of its weights."""
    saliency = (output * gradient).flatten(2).sum(2) if output.ndim > 2 else output * gradient
    return 0.5 * saliency.square().mean(0).sum().item() * weight[0].numel()


def _of_jacobian(jacobians: Tensor, labels: Tensor, classes: int) -> dict[str, float]:
    rows = jacobians.double().numpy()
    return {
        "epe_nas": batch_kernels.epe_nas(rows, labels.numpy(), classes),
        "jacov": batch_kernels.jacov(rows),
    }
