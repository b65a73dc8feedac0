"""Bodies of /models."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from spaces.base import LayerKind
from spaces.onnx_model import ImportedModel

if TYPE_CHECKING:
    from device_db import UploadedModel


class LayerRow(BaseModel):
    """One kernel of a network, for one run at the batch size of the file."""

    name: str = Field(description="number and operation; the same for every file of this graph")
    kind: LayerKind
    op: str = Field(description="ONNX's name of the operation")
    node: str = Field(description="name of the node in the file that was uploaded first")
    in_channels: int
    out_channels: int
    in_height: int
    in_width: int
    out_height: int
    out_width: int
    kernel: list[int] = Field(description="height and width")
    stride: int
    groups: int
    macs: int
    params: int
    bytes_moved: float = Field(description="inputs, outputs and weights once each, at 32 bits")


class UnsupportedOps(BaseModel):
    """Operations that were not understood."""

    op: str
    count: int
    reason: str


class ModelSummary(BaseModel):
    """An uploaded network."""

    architecture: str = Field(description="hash of its graph: what `space` onnx takes as an architecture")
    name: str = Field(description="of the graph in the file that was uploaded first")
    macs: int
    params: int
    size_bytes: int = Field(description="of that file")
    created_at: datetime


class ModelAnswer(ModelSummary):
    """A network with its layers."""

    layers: list[LayerRow]
    input_shapes: list[list[int]]
    unsupported: list[UnsupportedOps] = Field(description="of what only the memory traffic is counted")

    @classmethod
    def of(cls, stored: UploadedModel, model: ImportedModel) -> ModelAnswer:
        """The answer that shows a stored model."""
        return cls(
            **summary(stored).model_dump(),
            layers=[
                LayerRow(
                    name=one.layer.name,
                    kind=one.layer.kind,
                    op=one.op,
                    node=one.node,
                    in_channels=one.layer.in_channels,
                    out_channels=one.layer.out_channels,
                    in_height=one.layer.in_height,
                    in_width=one.layer.in_width,
                    out_height=one.layer.out_height,
                    out_width=one.layer.out_width,
                    kernel=[one.layer.kernel, one.layer.kernel_area // one.layer.kernel],
                    stride=one.layer.stride,
                    groups=one.layer.groups,
                    macs=one.layer.macs,
                    params=one.layer.params,
                    bytes_moved=one.layer.bytes_moved(),
                )
                for one in model.layers
            ],
            input_shapes=[list(shape) for shape in model.input_shapes],
            unsupported=[UnsupportedOps.model_validate(one, from_attributes=True) for one in model.unsupported],
        )


class ModelList(BaseModel):
    """Uploaded networks in the order of their arrival."""

    models: list[ModelSummary]
    next: int | None = Field(description="`after` of the next page; null on the last one")


def summary(stored: UploadedModel) -> ModelSummary:
    """A stored model without its layers."""
    return ModelSummary(
        architecture=stored.hash,
        name=stored.name,
        macs=stored.macs,
        params=stored.params,
        size_bytes=stored.size_bytes,
        created_at=stored.created_at,
    )
