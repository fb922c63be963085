"""Which transport serves which channel."""

from collections.abc import Mapping

from db.tables.policy import Channel
from delivery.email.smtp import SmtpServer, SmtpTransport
from delivery.outbox import LocalOutbox
from delivery.transport import Transport

Transports = Mapping[Channel, Transport]


def transports(*, smtp_url: str | None) -> Transports:
    """Every channel has a transport: one without settings delivers to the local outbox."""
    chosen: dict[Channel, Transport] = dict.fromkeys(Channel, LocalOutbox())
    if smtp_url is not None:
        chosen[Channel.EMAIL] = SmtpTransport(SmtpServer.from_url(smtp_url))
    return chosen
