"""What Twilio posts to us about a call. Everything it sends is a string, and what it does not know is empty.

https://www.twilio.com/docs/voice/twiml#request-parameters
"""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_pascal

_EmptyIsNone = BeforeValidator(lambda value: value or None)
Text = Annotated[str | None, _EmptyIsNone]
Number = Annotated[int | None, _EmptyIsNone]


class CallForm(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_pascal, extra="ignore")

    account_sid: str
    call_sid: str = Field(min_length=1, max_length=64)
    call_status: str
    # Only with machine detection, and not before something has answered.
    answered_by: Text = None
    call_duration: Number = None
    sip_response_code: Number = None
