"""Sign in and out: plain pages, so that a cookie can be set and a password manager finds its way."""

from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from db.session import transaction
from policy.access import service as access
from policy.access.rules import LIFE
from policy.access.schemas import SignedIn
from policy.access.service import LockedOut, WrongCredentials
from policy.errors import AppError, Forbidden
from web.console.desk import COOKIE, HOME, Desk, visit_of
from web.templates import page

SIGN_IN = f"{HOME}/sign-in"


def sign_in_router(desk: Desk) -> APIRouter:
    router = APIRouter(prefix=HOME, include_in_schema=False)

    @router.get("")
    @router.get("/")
    async def home() -> Response:
        return RedirectResponse(f"{HOME}/conversations", status_code=303)

    @router.get("/sign-in")
    async def form(request: Request, next: str = HOME) -> Response:  # noqa: A002  (the query's own name)
        if await visit_of(request, desk) is not None:
            return RedirectResponse(_ours(next), status_code=303)
        return _page(next=next)

    @router.post("/sign-in")
    async def sign_in(
        request: Request,
        email: Annotated[str, Form(max_length=320)],
        password: Annotated[str, Form(max_length=1000)],
        next: Annotated[str, Form()] = HOME,  # noqa: A002
    ) -> Response:
        try:
            _refuse_strangers(request)
            signed_in = await _sign_in(desk, request, email, password)
        except (WrongCredentials, LockedOut, Forbidden) as refused:
            return _page(next=next, email=email, refused=refused)
        answer = RedirectResponse(_ours(next), status_code=303)
        answer.set_cookie(
            COOKIE,
            signed_in.token,
            max_age=int(LIFE.total_seconds()),
            path=HOME,
            httponly=True,
            samesite="lax",
            secure=_is_secure(request, desk),
        )
        return answer

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        try:
            _refuse_strangers(request)
        except Forbidden as refused:
            return _page(next=HOME, refused=refused)
        if (token := request.cookies.get(COOKIE)) is not None:
            async with transaction(desk.engine, company_id=None) as session:
                await access.sign_out(session, token)
        answer = RedirectResponse(SIGN_IN, status_code=303)
        answer.delete_cookie(COOKIE, path=HOME, httponly=True, samesite="lax", secure=_is_secure(request, desk))
        return answer

    return router


def way_in(path: str) -> str:
    """The sign-in page that leads to `path`."""
    return f"{SIGN_IN}?next={quote(path, safe='/')}"


async def _sign_in(desk: Desk, request: Request, email: str, password: str) -> SignedIn:
    """Count the try, look the account up, verify with no transaction open, begin a session: in this order."""
    address = request.client.host if request.client else "unknown"
    async with transaction(desk.engine, company_id=None) as session:
        await access.count_try(session, email, address, signer=desk.signer)
    async with transaction(desk.engine, company_id=None) as session:
        user = await access.find_user(session, email)
    fits = await desk.passwords.matches(password, None if user is None else user.password_hash)
    if user is None or not fits:
        raise WrongCredentials
    async with transaction(desk.engine, company_id=user.company_id) as session:
        return await access.begin_session(
            session, user, address, signer=desk.signer, replaces=request.cookies.get(COOKIE)
        )


def _page(*, next: str, email: str = "", refused: AppError | None = None) -> Response:  # noqa: A002
    """The form; what was refused is said above it, and the email stays."""
    answer = page(
        "console/sign_in.html",
        {"next": _ours(next), "email": email, "refused": refused},
        status_code=200 if refused is None else refused.status,
    )
    # Without a referrer a browser does not tell its origin either.
    answer.headers["referrer-policy"] = "same-origin"
    if isinstance(refused, LockedOut):
        answer.headers["retry-after"] = str(refused.retry_after_s)
    return answer


def _ours(path: str) -> str:
    """A way on that stays in the console, whatever the link said."""
    there = urlsplit(path)
    inside = there.path == HOME or there.path.startswith(f"{HOME}/")
    strange = there.scheme or there.netloc or "\\" in path or not path.isprintable() or ".." in path
    return path if inside and not strange else HOME


def _refuse_strangers(request: Request) -> None:
    """A form of another site signs nobody in or out here. Old browsers tell the origin, all others where they are."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if (site != "same-origin") if site is not None else not ours:
        raise Forbidden("Open the console's own page and try again.")


def _is_secure(request: Request, desk: Desk) -> bool:
    return desk.secure or request.url.scheme == "https"
