"""What a stage may propose to a shopper: the branches of spec 2, kept to what is true for this cart (rules H-33)."""

from enum import StrEnum

from db.tables.policy import GrantKind
from db.tables.recovery import CartAbandonmentReason, CartSaveStage


class InterventionType(StrEnum):
    """Spec 2's intervention types that something stands behind today."""

    PERCENTAGE_DISCOUNT = "PERCENTAGE_DISCOUNT"
    FREE_SHIPPING = "FREE_SHIPPING"
    THRESHOLD_REMINDER = "THRESHOLD_REMINDER"
    PRODUCT_FAQ = "PRODUCT_FAQ"
    LIVE_CHAT = "LIVE_CHAT"
    WISHLIST_SAVE = "WISHLIST_SAVE"
    DIAGNOSIS = "DIAGNOSIS"
    REMINDER = "REMINDER"


MONEY = {
    InterventionType.PERCENTAGE_DISCOUNT: GrantKind.PERCENTAGE_DISCOUNT,
    InterventionType.FREE_SHIPPING: GrantKind.FREE_SHIPPING,
}

# First what helps most, as far as it is available; the template takes the first, a model may take another.
BRANCHES: dict[CartAbandonmentReason | None, tuple[InterventionType, ...]] = {
    CartAbandonmentReason.TOO_EXPENSIVE: (InterventionType.PERCENTAGE_DISCOUNT, InterventionType.THRESHOLD_REMINDER),
    CartAbandonmentReason.SHIPPING_COST: (InterventionType.FREE_SHIPPING, InterventionType.THRESHOLD_REMINDER),
    CartAbandonmentReason.NEED_MORE_INFO: (InterventionType.PRODUCT_FAQ, InterventionType.LIVE_CHAT),
    CartAbandonmentReason.COMPARING_OPTIONS: (InterventionType.PRODUCT_FAQ, InterventionType.LIVE_CHAT),
    CartAbandonmentReason.PAYMENT_ISSUES: (InterventionType.PRODUCT_FAQ, InterventionType.LIVE_CHAT),
    CartAbandonmentReason.SAVING_FOR_LATER: (InterventionType.WISHLIST_SAVE,),
    CartAbandonmentReason.JUST_BROWSING: (InterventionType.WISHLIST_SAVE,),
    CartAbandonmentReason.OTHER: (InterventionType.PRODUCT_FAQ, InterventionType.LIVE_CHAT),
    None: (InterventionType.LIVE_CHAT, InterventionType.REMINDER),
}


def menu(
    stage: CartSaveStage,
    diagnosis: CartAbandonmentReason | None,
    *,
    offered: GrantKind | None,
    below_free_shipping: bool,
) -> tuple[InterventionType, ...]:
    """What may be chosen, best first and never empty. `offered` is what the ledger proposed for this stage."""
    match stage:
        case CartSaveStage.DIAGNOSIS_SURVEY:
            wanted: tuple[InterventionType, ...] = (InterventionType.DIAGNOSIS,)
        case CartSaveStage.BRANCHING_INTERVENTION:
            wanted = BRANCHES[diagnosis]
        case CartSaveStage.NUCLEAR_OFFER:
            wanted = tuple(MONEY)
        case _:
            wanted = ()
    possible = tuple(
        each
        for each in wanted
        if (each not in MONEY or MONEY[each] is offered)
        and (each is not InterventionType.THRESHOLD_REMINDER or below_free_shipping)
    )
    return possible or (InterventionType.REMINDER,)


# What the planner asks the FAQ, so that an answer can come with the message.
QUESTIONS: dict[CartAbandonmentReason, str] = {
    CartAbandonmentReason.NEED_MORE_INFO: "How do I choose the right product?",
    CartAbandonmentReason.COMPARING_OPTIONS: "How do your products differ?",
    CartAbandonmentReason.PAYMENT_ISSUES: "Which payment methods do you accept?",
    CartAbandonmentReason.SHIPPING_COST: "How much does shipping cost?",
}
