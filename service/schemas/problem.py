"""The body of every error: RFC 9457 problem details."""

from pydantic import BaseModel, ConfigDict, Field


class ProblemError(BaseModel):
    """One fault of the request."""

    reason: str
    pointer: str | None = Field(default=None, description="JSON Pointer (RFC 6901) into the body")
    parameter: str | None = Field(default=None, description="query, path or header parameter")
    row: int | None = Field(default=None, description="1-based data row of an upload")
    line: int | None = Field(default=None, description="1-based line of an upload, in formats that have lines")
    column: str | None = Field(default=None, description="column of an upload")


class Problem(BaseModel):
    """RFC 9457 problem details; some types carry further members."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:archcast:problem:invalid-request"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="path of the request")
    request_id: str
    errors: list[ProblemError] = Field(default_factory=list)
