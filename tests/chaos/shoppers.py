"""What shoppers and the merchant do over HTTP, while processes die under them. What was answered is kept."""

import asyncio
import random
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.plan import Act, Deed, Person
from tests.chaos.world import TIGHTENED, Shop
from tests.fakes.smtp import FakeSmtp

API = "/api/momentum"
PATIENCE_S = 45.0
TRY_S = 10.0
_LINK = re.compile(r"https?://[^\s/]+(/[rs]/[^\s\"<>]+)")


@dataclass(frozen=True)
class Acknowledged:
    """A request that was answered with success: from then on the system answers for it."""

    act: Act
    # -1 and no cart for what the merchant did.
    person: int
    cart_id: str | None = None
    order_id: str | None = None
    # Of a conversation: where something was said, under which Idempotency-Key, and the answer.
    session_id: str | None = None
    key: str | None = None
    answer: str | None = None


@dataclass
class OpenedCart:
    id: str
    token: str


@dataclass
class Crowd:
    people: tuple[Person, ...]
    shops: tuple[Shop, ...]
    addresses: list[str]
    relay: FakeSmtp
    client: httpx.AsyncClient
    dice: random.Random
    acknowledged: list[Acknowledged] = field(default_factory=list)
    statuses: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    server_errors: int = 0
    carts: defaultdict[int, list[OpenedCart]] = field(default_factory=lambda: defaultdict(list))
    _links: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _read: int = 0
    _waiting: list[Deed] = field(default_factory=list)

    async def act(self, deeds: tuple[Deed, ...]) -> None:
        """Do what can be done now; who waits for a mail tries again at the next tick."""
        self._read_mail()
        due, self._waiting = [*self._waiting, *deeds], []
        await asyncio.gather(*(self._do(deed) for deed in due))

    def _read_mail(self) -> None:
        for mail in self.relay.mails[self._read :]:
            body = mail.message.get_body(("plain",))
            text = "" if body is None else body.get_content()
            unsubscribe = str(mail.message["List-Unsubscribe"]).strip("<> ")
            links = [*_LINK.findall(text), "/u/" + unsubscribe.partition("/u/")[2]]
            for to in mail.recipients:
                self._links[to] += links
        self._read = len(self.relay.mails)

    async def _do(self, deed: Deed) -> None:
        if deed.act is Act.TIGHTEN:
            answer = await self._call("PUT", "/cart-save/config", self.shops[1].keys.secret, json=TIGHTENED)
            if answer is not None and answer.status_code == 200:
                self.acknowledged.append(Acknowledged(Act.TIGHTEN, deed.person))
        elif deed.act is Act.OPEN:
            await self.open_cart(self.people[deed.person])
        elif deed.act is Act.CONVERT:
            await self._convert(deed)
        elif deed.act is Act.HAGGLE:
            await self._haggle(deed)
        else:
            await self._follow(deed)

    async def open_cart(self, person: Person) -> None:
        shop = self.shops[person.shop]
        number = len(self.carts[person.number])
        customer = {"email": person.email, "firstName": "Sam", "consents": ["EMAIL"] if person.consents else []}
        if person.zone is not None:
            customer["timezone"] = person.zone
        body = {"currency": "USD", "items": [{"sku": sku, "quantity": 1} for sku in person.items], "customer": customer}
        key = f"open-{person.number}-{number}"
        answer = await self._call("POST", "/carts", shop.keys.publishable, json=body, key=key)
        if answer is not None and answer.status_code == 201:
            opened = answer.json()
            self.carts[person.number].append(OpenedCart(opened["id"], opened.get("cartToken", "")))
            self.acknowledged.append(Acknowledged(Act.OPEN, person.number, opened["id"]))

    async def _convert(self, deed: Deed) -> None:
        """The merchant's server reports one order several times at once, to any process."""
        shop = self.shops[self.people[deed.person].shop]
        for number, cart in enumerate(self.carts[deed.person]):
            order = f"order-{deed.person}-{number}"
            body = {"orderId": order, "paymentState": "PAID"}
            path = f"/carts/{cart.id}/convert"
            answers = await asyncio.gather(
                *(self._call("POST", path, shop.keys.secret, json=body) for _ in range(deed.copies))
            )
            if any(answer is not None and answer.status_code == 200 for answer in answers):
                self.acknowledged.append(Acknowledged(Act.CONVERT, deed.person, cart.id, order))

    async def _haggle(self, deed: Deed) -> None:
        for cart in self.carts[deed.person]:
            opened = await self._call("POST", "/cs/sessions", cart.token, json={"channel": "CHECKOUT_CHAT"})
            if opened is None or opened.status_code != 201:
                continue
            session_id = opened.json()["id"]
            for copy in range(deed.copies):
                body = {"content": "That is too expensive for me. Can you give me a discount?"}
                key, path = f"haggle-{cart.id}-{copy % 2}", f"/cs/sessions/{session_id}/messages"
                answer = await self._call("POST", path, cart.token, json=body, key=key)
                if answer is not None and answer.status_code == 200:
                    self.acknowledged.append(
                        Acknowledged(
                            Act.HAGGLE,
                            deed.person,
                            cart.id,
                            session_id=session_id,
                            key=key,
                            answer=answer.json()["response"],
                        )
                    )

    async def _follow(self, deed: Deed) -> None:
        """Open a link of a mail that came, the latest of its kind."""
        letter = {Act.CLICK: "/r/", Act.ANSWER: "/s/", Act.OPT_OUT: "/u/"}[deed.act]
        person = self.people[deed.person]
        links = [link for link in self._links[person.email] if link.startswith(letter)]
        if not links:
            self._waiting.append(deed)
            return
        data = {"reason": deed.reason} if deed.act is Act.ANSWER else None
        answers = await asyncio.gather(
            *(self._call("POST", links[-1], None, data=data, accept="application/json") for _ in range(deed.copies))
        )
        if any(answer is not None and answer.status_code == 200 for answer in answers):
            cart = self.carts[deed.person][-1].id
            self.acknowledged.append(Acknowledged(deed.act, deed.person, cart))

    async def _call(
        self, method: str, path: str, bearer: str | None, *, key: str | None = None, accept: str = "*/*", **kwargs: Any
    ) -> httpx.Response | None:
        """Ask any process until one answers; None when none did in time. All that is asked may be asked again."""
        headers = {"accept": accept}
        if bearer is not None:
            headers["authorization"], path = f"Bearer {bearer}", API + path
        if key is not None:
            headers["idempotency-key"] = key
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while asyncio.get_running_loop().time() < deadline:
            base = self.dice.choice(self.addresses)
            try:
                answer = await self.client.request(method, base + path, headers=headers, timeout=TRY_S, **kwargs)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code < 500 and answer.status_code != 429:
                self.statuses[f"{answer.status_code}"] += 1
                return answer
            self.server_errors += answer.status_code >= 500
            await asyncio.sleep(0.3)
        self.statuses["no answer"] += 1
        return None
