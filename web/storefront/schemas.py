"""What the shop's pages are told about the shop. All of it comes from the company's rows or settings."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from policy import money


class View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Country(View):
    code: str
    name: str


class ShippingRateView(View):
    """Amounts are major units of `currency`."""

    currency: str
    country: str | None = None
    name: str
    amount: Decimal
    free_from: Decimal | None = None


class Policies(View):
    returns_days: int
    dispatch_working_days: int


class ShopView(View):
    name: str
    tagline: str
    about: str
    legal_name: str
    postal_address: str
    support_email: str
    support_hours: str
    currency: str
    locale: str
    shipping_rates: tuple[ShippingRateView, ...]
    payment_methods: tuple[str, ...]
    countries: tuple[Country, ...]
    policies: Policies

    def standard_shipping(self) -> ShippingRateView | None:
        """The rate of a shopper whose country is not known yet."""
        return next((r for r in self.shipping_rates if r.country is None and r.currency == self.currency), None)

    def text(self, amount: Decimal) -> str:
        """An amount of the shop's currency as its shoppers read it: `$5.99`."""
        return money.format_money(money.to_minor(amount, self.currency), self.currency, self.locale)


class ProductArt(View):
    """How a product's picture is drawn: a kind of thing in the product's colours, with words on its label."""

    kind: str
    background: str
    color: str
    accent: str
    label: tuple[str, ...] = ()
    seed: int = Field(default=1, description="Of the wobble of its lines.")
