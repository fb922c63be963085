"""Where a message goes when its channel has no provider set: it is delivered here, for the outbox to show."""

from delivery.transport import Outcome, Outgoing, Sent


class LocalOutbox:
    """Nothing leaves the process, so nothing can fail between asking and knowing."""

    async def send(self, outgoing: Outgoing) -> Outcome:
        return Sent(f"local-outbox/{outgoing.message_id}")
