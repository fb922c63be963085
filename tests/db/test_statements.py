"""A query that is worked out once gives what SQLAlchemy gives, also of what was not flushed yet."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm.exc import UnmappedInstanceError

from db.session import transaction
from db.statements import Query, Reading
from db.tables.carts import Cart, CartStatus
from db.tables.policy import Grant
from storefront.carts.repository import _head, _lines
from tests import factories as make

NOW = datetime(2031, 3, 4, 15, 0, tzinfo=UTC)


async def test_rows_are_those_of_sqlalchemy_with_their_types(engine: AsyncEngine) -> None:
    company = await make.make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        beans = await make.make_product(session, "BLEND", company_id=company.id)
        await make.make_shipping_rate(session, company_id=company.id)
        cart = await make.make_cart(session, (beans, 2), company_id=company.id, status=CartStatus.ACTIVE)
        values = {"cart": cart.id, "company": company.id, "now": NOW}
        for query in (_head(), _lines()):
            expected = (await session.execute(query, values)).all()
            found = await Query(query).rows(session, **values)
            assert len(found) == 1
            assert [tuple(row) for row in found] == [tuple(row) for row in expected]
            assert [row._fields for row in found] == [row._fields for row in expected]
            assert [[type(each) for each in row] for row in found] == [[type(each) for each in row] for row in expected]


async def test_nothing_that_was_changed_is_missed(engine: AsyncEngine) -> None:
    company = await make.make_company(engine)
    query = Query(select(Cart.status, Cart.country).where(Cart.id == bindparam("cart")))
    async with transaction(engine, company_id=company.id) as session:
        beans = await make.make_product(session, "BLEND", company_id=company.id)
        cart = await make.make_cart(session, (beans, 2), company_id=company.id)
        cart.status, cart.country = CartStatus.ABANDONED, "NZ"
        (row,) = await query.rows(session, cart=cart.id)
        assert (row.status, row.country) == (CartStatus.ABANDONED, "NZ")
        assert row.status is CartStatus.ABANDONED


async def test_another_company_has_no_rows(engine: AsyncEngine) -> None:
    one, other = await make.make_company(engine), await make.make_company(engine)
    query = Query(select(Cart.id).where(Cart.id == bindparam("cart")))
    async with transaction(engine, company_id=one.id) as session:
        beans = await make.make_product(session, "BLEND", company_id=one.id)
        cart = await make.make_cart(session, (beans, 2), company_id=one.id)
    async with transaction(engine, company_id=other.id) as session:
        assert await query.rows(session, cart=cart.id) == []


def test_what_sqlalchemy_writes_anew_for_each_call_is_no_query() -> None:
    with pytest.raises(ValueError, match="ANY"):
        Query(select(Grant.id).where(Grant.status.in_(["COMMITTED", "REDEEMED"])))


def test_constants_are_values_of_the_query() -> None:
    text = Query(select(Grant.id).where(Grant.status == "COMMITTED", Grant.cart_id == bindparam("cart"))).text
    assert text.endswith("grants.status = $1::VARCHAR AND grants.cart_id = $2::UUID")


async def test_whole_rows_are_read_as_objects_of_their_table(engine: AsyncEngine) -> None:
    company = await make.make_company(engine)
    query = select(Cart).where(Cart.id == bindparam("cart"))
    async with transaction(engine, company_id=company.id) as session:
        cart = await make.make_cart(session, company_id=company.id)
        expected = (await session.scalars(query, {"cart": cart.id})).one()
        found = await Reading(query).first(session, cart=cart.id)
        assert isinstance(found, Cart)
        names = Cart.__table__.columns.keys()
        assert [getattr(found, name) for name in names] == [getattr(expected, name) for name in names]
        assert await Reading(query).first(session, cart=company.id) is None


async def test_what_was_only_read_cannot_be_changed_by_mistake(engine: AsyncEngine) -> None:
    company = await make.make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        cart = await make.make_cart(session, company_id=company.id, country="US")
        found = await Reading(select(Cart).where(Cart.id == bindparam("cart"))).first(session, cart=cart.id)
        assert found is not None
        with pytest.raises(AttributeError):
            found.country = "NZ"
        with pytest.raises(UnmappedInstanceError):
            session.add(found)
        assert found.country == "US"
