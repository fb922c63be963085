"""What the save flow refuses, with what to do about it."""

from uuid import UUID

from db.tables.carts import CartStatus
from policy.errors import Conflict, NotFound


class NoSuchCompany(NotFound):
    code = "no_such_company"
    title = "No such company"

    def __init__(self, company_id: UUID) -> None:
        super().__init__(f"There is no company {company_id}. `momentum company create` makes one and shows its id.")


class NoSuchAttempt(NotFound):
    code = "no_such_attempt"
    title = "No such save attempt"

    def __init__(self, attempt_id: UUID) -> None:
        super().__init__(f"There is no save attempt {attempt_id}.")


class CartNotAbandoned(Conflict):
    code = "cart_not_abandoned"
    title = "This cart is not abandoned"

    def __init__(self, status: CartStatus) -> None:
        super().__init__(f"The cart is {status}. A flow begins when a cart is left alone; there is nothing to do.")


class FlowIsOff(Conflict):
    code = "flow_is_off"
    title = "The save flow is switched off"

    def __init__(self) -> None:
        super().__init__("Enable it, and at least one stage, with PUT /cart-save/config.")


class AttemptIsClosed(Conflict):
    code = "attempt_is_closed"
    title = "This save attempt has ended"

    def __init__(self) -> None:
        super().__init__("It stays as it ended. A cart that is left again has a new one.")


class OutcomeNeedsAnOrder(Conflict):
    code = "outcome_needs_an_order"
    title = "A recovery needs its order"

    def __init__(self) -> None:
        super().__init__("Report the order with POST /carts/{id}/convert; the outcome follows from it.")
