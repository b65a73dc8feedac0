"""Request bodies from command-line options, checked by the schemas that HTTP uses."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from service.cli.failures import CommandError

Body = TypeVar("Body", bound=BaseModel)


def build(schema: type[Body], **values: object) -> Body:
    """The body of a request. Raises: CommandError that names every value at fault."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        faults = [
            ".".join(map(str, fault["loc"])) + (": " if fault["loc"] else "") + fault["msg"]
            for fault in error.errors(include_url=False, include_context=False)
        ]
        raise CommandError("the request is invalid", faults) from error
