"""What Twilio asks us during a call, signed by it. Outside the API: no key, no JSON, TwiML for an answer.

https://www.twilio.com/docs/usage/security#validating-requests
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine
from twilio.twiml.voice_response import Connect, VoiceResponse  # type: ignore[import-untyped]  # ships no py.typed

from db.clock import read_clock
from db.session import transaction
from policy.errors import AppError, Forbidden
from policy.tokens import Signer
from voice.account import TwilioAccount
from voice.webhooks import service
from voice.webhooks.schemas import CallForm

LARGEST_FORM = 64 * 1024


class NotACall(AppError):
    status = 422
    code = "not_a_call"
    title = "This is not a callback of a call"


def webhook_router(engine: AsyncEngine, signer: Signer, account: TwilioAccount) -> APIRouter:
    """Routes under the API's prefix, for the addresses that `TwilioAccount.webhook` gives out."""
    router = APIRouter(prefix="/voice/twilio/{company_id}/{call_id}", include_in_schema=False)

    async def verified(request: Request) -> CallForm:
        """The form, if Twilio signed it over this very address (the one it was given, not the one we are seen at)."""
        posted = await request.form(max_files=0, max_part_size=LARGEST_FORM)
        form = {name: value for name, value in posted.items() if isinstance(value, str)}
        query = f"?{request.url.query}" if request.url.query else ""
        asked = f"{account.public_url}{request.url.path}{query}"
        if not account.signed(asked, form, request.headers.get("x-twilio-signature", "")):
            raise Forbidden("This callback is not signed by the carrier.")
        try:
            read = CallForm.model_validate(form)
        except ValidationError as malformed:
            raise NotACall("It names no call.") from malformed
        if read.account_sid != account.account_sid:
            raise Forbidden("This callback is of another account.")
        return read

    Verified = Annotated[CallForm, Depends(verified)]  # a type

    @router.post("/answer")
    async def answer(company_id: UUID, call_id: UUID, form: Verified) -> Response:
        async with transaction(engine, company_id=company_id) as session:
            token = await service.answered(
                session, call_id, form, company_id=company_id, signer=signer, now=await read_clock(session)
            )
        return Response(_twiml(account, token), media_type="text/xml")

    @router.post("/status", status_code=204)
    async def status(company_id: UUID, call_id: UUID, form: Verified) -> None:
        async with transaction(engine, company_id=company_id) as session:
            await service.progressed(session, call_id, form, company_id=company_id, now=await read_clock(session))

    return router


def _twiml(account: TwilioAccount, token: str | None) -> str:
    """Connect the stream; or hang up, with nothing said. The token is a parameter: addresses are logged (H-50)."""
    response = VoiceResponse()
    if token is None:
        response.hangup()
        return str(response)
    connect = Connect()
    connect.stream(url=account.stream_url).parameter(name="token", value=token)
    response.append(connect)
    return str(response)
