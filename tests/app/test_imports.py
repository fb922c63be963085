"""Files that come from the command line."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.imports import import_faq_file, import_products_file
from db.ids import uuid7
from db.session import transaction
from db.tables.catalogue import Product
from db.tables.knowledge import FaqEntry
from recovery.errors import NoSuchCompany
from tests import factories

FAQ = b"# Delivery\n\n## What does delivery cost?\n\nIt costs $5.99.\n"
PRODUCTS = b"Handle,Title,Variant Price\nmug,Mug,12.00\n"


async def test_a_company_that_is_none_is_named_and_nothing_is_imported(engine: AsyncEngine) -> None:
    other = await factories.make_company(engine)
    nobody = uuid7()
    with pytest.raises(NoSuchCompany, match=str(nobody)):
        await import_products_file(engine, PRODUCTS, company_id=nobody, currency=None)
    with pytest.raises(NoSuchCompany, match=str(nobody)):
        await import_faq_file(engine, "faq.md", FAQ, company_id=nobody, remove_missing=False)
    async with transaction(engine, company_id=other.id) as session:
        assert await session.scalar(select(func.count()).select_from(Product)) == 0
        assert await session.scalar(select(func.count()).select_from(FaqEntry)) == 0


async def test_a_repeated_import_changes_nothing(engine: AsyncEngine) -> None:
    company = await factories.make_company(engine)
    for added, unchanged in [(1, 0), (0, 1)]:
        products = await import_products_file(engine, PRODUCTS, company_id=company.id, currency=None)
        entries = await import_faq_file(engine, "faq.md", FAQ, company_id=company.id, remove_missing=False)
        assert (products.added, products.unchanged, products.refused) == (added, unchanged, [])
        assert (entries.added, entries.unchanged, entries.refused) == (added, unchanged, [])
