"""Shops of a benchmark: one small catalogue, and as many carts, customers and attempts as are asked for, set-based."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from db.clock import real_now
from db.session import transaction
from knowledge.importing import import_entries
from knowledge.parsing import parse_file
from tests.factories import make_company, make_product, make_shipping_rate

DAY = timedelta(days=1)
FAQ = Path(__file__).parents[1] / "tests" / "evals" / "faq_shop.md"
SKUS = ("BLEND", "MUG", "FILTERS")


@dataclass(frozen=True)
class BenchShop:
    company_id: UUID
    # The first variant stands in every cart.
    variants: tuple[UUID, ...]
    skus: tuple[str, ...]

    @property
    def variant_id(self) -> UUID:
        return self.variants[0]


async def make_shop(engine: AsyncEngine, *, products: int = 3, name: str = "Wren Coffee") -> BenchShop:
    company = await make_company(engine, name=name)
    async with transaction(engine, company_id=company.id) as session:
        variants = [
            await make_product(
                session,
                SKUS[number] if number < len(SKUS) else f"SKU-{number}",
                company_id=company.id,
                name=f"Signature Blend {number}",
                prices={"USD": 24_99},
                on_hand=1_000_000,
            )
            for number in range(products)
        ]
        await make_shipping_rate(session, company_id=company.id)
    return BenchShop(company.id, tuple(each.id for each in variants), tuple(each.sku for each in variants))


async def add_faq(engine: AsyncEngine, shop: BenchShop) -> None:
    """The FAQ that the search is calibrated on."""
    await import_entries(
        lambda: transaction(engine, company_id=shop.company_id),
        parse_file(FAQ.name, FAQ.read_bytes()),
        company_id=shop.company_id,
        source=FAQ.name,
        locale="en_US",
        tz=ZoneInfo("UTC"),
        now=real_now() - DAY,
    )


def add_waiting_attempts(connection: psycopg.Connection, shop: BenchShop, count: int, *, due_at: datetime) -> None:
    """Attempts that wait, all of them later than `due_at`. Nobody looks at their carts, which are bare rows."""
    _number_carts(connection, count)
    _add_carts(connection, shop, at=due_at)
    _add_attempts(connection, shop, stage="WINBACK_SEQUENCE", due_at=due_at, apart_s=0.01, at=due_at)


def add_due_attempts(
    connection: psycopg.Connection, shop: BenchShop, count: int, *, due_at: datetime, apart_s: float, at: datetime
) -> None:
    """Attempts with all that a stage reads: a cart with a line, a customer in UTC who agreed to email.

    The first is due at `due_at`, each further one `apart_s` later. `at` is when the carts were abandoned.
    """
    _number_carts(connection, count)
    connection.execute(
        """
        INSERT INTO customers (company_id, id, email, first_name, timezone, person_key, created_at)
        SELECT %(company)s, customer, customer || '@example.com', 'Maya', 'UTC', customer::text, %(at)s FROM batch
        """,
        {"company": shop.company_id, "at": at},
    )
    connection.execute(
        """
        INSERT INTO consent_records (company_id, id, customer_id, channel, address, state, method, seller,
                                     wording_version, wording_hash, recorded_at)
        SELECT %(company)s, uuidv7(), customer, 'EMAIL', customer || '@example.com', 'CONFIRMED', 'IMPORT', 'Wren',
               'bench-1', '', %(at)s
        FROM batch
        """,
        {"company": shop.company_id, "at": at},
    )
    _add_carts(connection, shop, at=at)
    _add_lines(connection, shop, at=at)
    _add_attempts(connection, shop, stage="PATTERN_INTERRUPT", due_at=due_at, apart_s=apart_s, at=at)


def add_carts(connection: psycopg.Connection, shop: BenchShop, count: int) -> list[UUID]:
    """Carts in use, of nobody we know, with one line each; their ids."""
    now = real_now()
    _number_carts(connection, count)
    _add_carts(connection, shop, at=now)
    _add_lines(connection, shop, at=now)
    connection.execute(
        "UPDATE carts SET status = 'ACTIVE', abandoned_at = NULL, customer_id = NULL FROM batch WHERE id = cart"
    )
    return [row[0] for row in connection.execute("SELECT cart FROM batch").fetchall()]


def add_orders(connection: psycopg.Connection, shop: BenchShop, count: int) -> None:
    """Paid orders of the first product and one of the others: what is bought together."""
    values = {"company": shop.company_id, "at": real_now() - DAY, "first": shop.variant_id}
    _number_carts(connection, count)
    connection.execute(
        """
        INSERT INTO orders (company_id, id, external_id, payment_state, currency, subtotal_minor, discount_minor,
                            shipping_minor, tax_minor, total_minor, placed_at)
        SELECT %(company)s, cart, cart::text, 'PAID', 'USD', 4998, 0, 0, 0, 4998, %(at)s FROM batch
        """,
        values,
    )
    for variant in ("%(first)s::uuid", "(%(others)s::uuid[])[1 + n %% %(many)s]"):
        connection.execute(
            f"""
            INSERT INTO order_lines (company_id, id, order_id, variant_id, quantity, unit_price_minor)
            SELECT %(company)s, uuidv7(), cart, {variant}, 1, 2499 FROM batch
            """.encode(),
            {**values, "others": list(shop.variants[1:]), "many": len(shop.variants) - 1},
        )


def add_conversations(
    connection: psycopg.Connection, shop: BenchShop, count: int, *, history: int, exchange: Sequence[str]
) -> list[str]:
    """Conversations about a cart each, with so many turns behind them, all of them the same question and answer."""
    add_carts(connection, shop, count)
    now = real_now()
    connection.execute(
        """
        INSERT INTO chat_sessions (company_id, id, cart_id, channel, status, policy_version, started_at,
                                   last_message_at)
        SELECT %(company)s, customer, cart, 'CHECKOUT_CHAT', 'OPEN', 0, %(at)s, %(at)s FROM batch
        """,
        {"company": shop.company_id, "at": now - DAY},
    )
    connection.execute(
        """
        INSERT INTO chat_turns (company_id, id, session_id, position, status, started_at, finished_at)
        SELECT %(company)s, uuidv7(), customer, turn, 'DONE', %(at)s, %(at)s
        FROM batch CROSS JOIN generate_series(1, %(turns)s) AS turn
        """,
        {"company": shop.company_id, "at": now - DAY, "turns": history},
    )
    for offset, said in enumerate(exchange):
        connection.execute(
            """
            INSERT INTO chat_messages (company_id, id, session_id, turn_id, position, role, content, created_at)
            SELECT company_id, uuidv7(), session_id, id, (position - 1) * %(many)s + 1 + %(offset)s, %(role)s, %(said)s,
                   started_at
            FROM chat_turns WHERE company_id = %(company)s AND session_id IN (SELECT customer FROM batch)
            """,
            {
                "company": shop.company_id,
                "many": len(exchange),
                "offset": offset,
                "role": "ASSISTANT" if offset else "USER",
                "said": said,
            },
        )
    return [str(row[0]) for row in connection.execute("SELECT customer FROM batch").fetchall()]


def _number_carts(connection: psycopg.Connection, count: int) -> None:
    connection.execute("DROP TABLE IF EXISTS batch")
    connection.execute(
        """
        CREATE TEMPORARY TABLE batch AS
        SELECT n, uuidv7() AS cart, uuidv7() AS customer FROM generate_series(0, %s - 1) AS n
        """,
        (count,),
    )


def _add_carts(connection: psycopg.Connection, shop: BenchShop, *, at: datetime) -> None:
    connection.execute(
        """
        INSERT INTO carts (company_id, id, status, currency, customer_id, country, last_activity_at, abandoned_at,
                           abandonment, created_at)
        SELECT %(company)s, cart, 'ABANDONED', 'USD', customer, 'US', %(at)s, %(at)s, 1, %(at)s FROM batch
        """,
        {"company": shop.company_id, "at": at},
    )


def _add_lines(connection: psycopg.Connection, shop: BenchShop, *, at: datetime) -> None:
    connection.execute(
        """
        INSERT INTO cart_lines (company_id, id, cart_id, variant_id, sku, name, quantity, unit_price_minor, taxable,
                                created_at)
        SELECT %(company)s, uuidv7(), cart, %(variant)s, 'BLEND', 'Signature Blend 0', 1, 2499, true, %(at)s FROM batch
        """,
        {"company": shop.company_id, "variant": shop.variant_id, "at": at},
    )


def _add_attempts(
    connection: psycopg.Connection, shop: BenchShop, *, stage: str, due_at: datetime, apart_s: float, at: datetime
) -> None:
    connection.execute(
        """
        INSERT INTO save_attempts (company_id, id, cart_id, customer_id, current_stage, due_at, cart_value_minor,
                                   currency, status, experiment_arm, abandoned_at, started_at)
        SELECT %(company)s, uuidv7(), cart, customer, %(stage)s, %(due_at)s + n * %(apart_s)s * interval '1 second',
               2499, 'USD', 'IN_PROGRESS', 'TREATMENT', %(at)s, %(at)s
        FROM batch
        """,
        {"company": shop.company_id, "stage": stage, "due_at": due_at, "apart_s": apart_s, "at": at},
    )
