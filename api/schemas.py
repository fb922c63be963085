"""What crosses the edge: camelCase JSON, text that a database can hold, pages with a cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.alias_generators import to_camel

from policy.errors import AppError

T = TypeVar("T")


class Schema(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True, extra="forbid")


def example(value: dict[str, JsonValue]) -> ConfigDict:
    """Model config that shows `value` in the OpenAPI document."""
    return ConfigDict(json_schema_extra={"example": value})


class Body(Schema):
    """A request's body. NUL and lone surrogates cannot be stored as text: they are refused here, once."""

    @model_validator(mode="before")
    @classmethod
    def storable(cls, data: Any) -> Any:
        _refuse_unstorable(data)
        return data


def _refuse_unstorable(value: object) -> None:
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= c <= "\udfff" for c in value)):
        raise ValueError("text may not contain NUL or unpaired surrogates")
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_unstorable(key)
            _refuse_unstorable(inner)
    if isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner)


class Page(Schema, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(default=None, description="Send it as `cursor` for the next page; null at the end.")


class BadCursor(AppError):
    code = "bad_cursor"
    title = "This cursor is not one of ours"


Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=64)]


def encode_cursor(last: UUID) -> str:
    return urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def decode_cursor(cursor: str | None) -> UUID | None:
    """The id after which the page begins; None for the first page."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=urlsafe_b64decode(cursor.encode("ascii") + b"=="))
    except (ValueError, BadBase64) as error:
        raise BadCursor("Leave `cursor` out to begin again.") from error
