"""Schemas and fields that several features use."""

from typing import Any

from marshmallow import Schema, fields


class EmptySchema(Schema):
    """No body is needed."""


class Ready(fields.Nested):
    """A part that the catalogue gives in the shape of its schema: described by it, passed on as it is.

    Dumping a hall again in every answer was a tenth of a booking's processor time (docs/decisions/0007).
    """

    def _serialize(self, nested_obj: Any, *_: Any, **__: Any) -> Any:  # type: ignore[override] # as Nested names it
        return nested_obj
