import asyncio
import ssl

import pytest

from delivery.email.smtp import Limits, SmtpServer, SmtpTransport
from delivery.transport import Outcome, Permanent, Sent, Temporary, Unknown
from tests.delivery.email.letters import MESSAGE_ID, outgoing
from tests.fakes.smtp import FakeSmtp, Fault, Reply, Slow, Stage, serving

FAST = Limits(command_s=0.3, total_s=2.0, goodbye_s=0.1)


async def send(smtp: FakeSmtp, url: str | None = None, limits: Limits = FAST) -> Outcome:
    return await SmtpTransport(SmtpServer.from_url(url or smtp.url), limits=limits).send(outgoing())


async def test_a_message_arrives_as_it_was_composed(smtp: FakeSmtp) -> None:
    sent = outgoing()
    assert await send(smtp) == Sent("2.0.0 queued as 1")
    (mail,) = smtp.mails
    assert (mail.sender, mail.recipients) == ("hello@mail.meridian.example", ["ana@example.org"])
    assert mail.message["Message-ID"] == f"<{MESSAGE_ID}@mail.meridian.example>"
    assert mail.message["List-Unsubscribe"] == sent.headers["List-Unsubscribe"]
    plain, html = mail.message.iter_parts()
    assert plain.get_content().replace("\r\n", "\n") == sent.text
    assert html.get_content().replace("\r\n", "\n").rstrip() == sent.html.replace("\r\n", "\n").rstrip()
    assert smtp.commands == ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


async def test_lines_that_begin_with_a_dot_survive(smtp: FakeSmtp) -> None:
    sent = outgoing(paragraphs=(".", "..", ".hidden"))
    await SmtpTransport(SmtpServer.from_url(smtp.url), limits=FAST).send(sent)
    plain, _ = smtp.mails[0].message.iter_parts()
    assert plain.get_content().replace("\r\n", "\n") == sent.text


NOT_TAKEN = [
    # The relay itself is in trouble, or does not like us: the message may be tried again.
    (Stage.GREETING, Reply("421 4.3.2 shutting down"), Temporary("421 4.3.2 shutting down")),
    (Stage.GREETING, Reply("554 5.3.2 no service"), Temporary("554 5.3.2 no service")),
    (Stage.GREETING, Fault.DROP, Temporary("SMTPConnectError")),
    (Stage.GREETING, Fault.HANG, Temporary("SMTPConnectTimeoutError")),
    (Stage.EHLO, Fault.DROP, Temporary("SMTPServerDisconnected")),
    (Stage.EHLO, Fault.HANG, Temporary("SMTPReadTimeoutError")),
    (Stage.MAIL, Reply("451 4.3.0 later"), Temporary("451 4.3.0 later")),
    (Stage.MAIL, Fault.HANG, Temporary("SMTPReadTimeoutError")),
    (Stage.RCPT, Reply("450 4.2.1 greylisted"), Temporary("450 4.2.1 greylisted")),
    (Stage.RCPT, Fault.DROP, Temporary("SMTPServerDisconnected")),
    (Stage.RCPT, Reply("what?"), Temporary("answer -1")),
    (Stage.DATA, Reply("421 4.3.2 going down"), Temporary("421 4.3.2 going down")),
    (Stage.CONTENT, Reply("452 4.3.1 disk full"), Temporary("452 4.3.1 disk full")),
    # This message is refused, for good.
    (Stage.MAIL, Reply("550 5.7.1 not your domain"), Permanent("550 5.7.1 not your domain")),
    (Stage.RCPT, Reply("550 5.7.1 blocked by policy"), Permanent("550 5.7.1 blocked by policy")),
    (Stage.CONTENT, Reply("554 5.7.1 spam"), Permanent("554 5.7.1 spam")),
    # There is no such mailbox.
    (
        Stage.RCPT,
        Reply("550 5.1.1 <ana@example.org>: user unknown"),
        Permanent("550 5.1.1 …: user unknown", bad_recipient=True),
    ),
    (Stage.RCPT, Reply("550 no such user"), Permanent("550 no such user", bad_recipient=True)),
    (Stage.RCPT, Reply("552 5.2.2 mailbox full"), Permanent("552 5.2.2 mailbox full")),
    (Stage.CONTENT, Reply("550 5.1.10 null mx"), Permanent("550 5.1.10 null mx", bad_recipient=True)),
]


@pytest.mark.parametrize(("stage", "fault", "outcome"), NOT_TAKEN)
async def test_what_was_certainly_not_taken(
    smtp: FakeSmtp, stage: Stage, fault: Reply | Fault, outcome: Outcome
) -> None:
    smtp.script(stage, fault)
    assert await send(smtp) == outcome
    assert smtp.mails == []
    assert smtp.connections == 1


@pytest.mark.parametrize(
    ("stage", "fault", "kept", "outcome"),
    [
        (Stage.CONTENT, Fault.DROP, 0, Unknown("after the content: SMTPServerDisconnected")),
        (Stage.CONTENT, Fault.KEEP_AND_DROP, 1, Unknown("after the content: SMTPServerDisconnected")),
        (Stage.CONTENT, Fault.HANG, 0, Unknown("after the content: SMTPReadTimeoutError")),
        (Stage.CONTENT, Reply("hm"), 0, Unknown("after the content: answer -1")),
        # The library does not say whether the content had begun, so DATA counts as begun.
        (Stage.DATA, Fault.DROP, 0, Unknown("after the content: SMTPServerDisconnected")),
    ],
)
async def test_silence_after_the_content_is_not_an_answer(
    smtp: FakeSmtp, stage: Stage, fault: Reply | Fault, kept: int, outcome: Outcome
) -> None:
    smtp.script(stage, fault)
    assert await send(smtp) == outcome
    assert (len(smtp.mails), smtp.connections) == (kept, 1)


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.HANG, Reply("500 what?")])
async def test_a_rude_goodbye_changes_nothing(smtp: FakeSmtp, fault: Reply | Fault) -> None:
    smtp.script(Stage.QUIT, fault)
    assert await send(smtp) == Sent("2.0.0 queued as 1")
    assert len(smtp.mails) == 1


async def test_a_slow_relay_is_waited_for(smtp: FakeSmtp) -> None:
    smtp.script(Stage.RCPT, Slow(0.05))
    smtp.script(Stage.CONTENT, Slow(0.05))
    assert await send(smtp) == Sent("2.0.0 queued as 1")


async def test_many_slow_answers_meet_the_total_limit(smtp: FakeSmtp) -> None:
    for stage in (Stage.GREETING, Stage.EHLO, Stage.MAIL, Stage.RCPT):
        smtp.script(stage, Slow(0.2))
    assert await send(smtp, limits=Limits(command_s=5, total_s=0.5)) == Temporary("TimeoutError")
    assert smtp.mails == []


async def test_the_total_limit_after_the_content_is_unknown(smtp: FakeSmtp) -> None:
    smtp.script(Stage.CONTENT, Fault.HANG)
    outcome = await send(smtp, limits=Limits(command_s=5, total_s=0.3))
    assert outcome == Unknown("after the content: TimeoutError")


async def test_nobody_listens() -> None:
    async with serving() as gone:
        url = gone.url
    assert await send(gone, url) == Temporary("SMTPConnectError")


async def test_an_address_that_cannot_be_written_is_refused_before_connecting(smtp: FakeSmtp) -> None:
    transport = SmtpTransport(SmtpServer.from_url(smtp.url), limits=FAST)
    outcome = await transport.send(outgoing(to="änä@example.org"))
    assert outcome == Permanent("the address cannot be written into a header")
    assert smtp.connections == 0


async def test_credentials_are_used(smtp: FakeSmtp) -> None:
    url = f"smtp://shop%40example:right@127.0.0.1:{smtp.port}?starttls=never"
    assert await send(smtp, url) == Sent("2.0.0 queued as 1")
    assert smtp.logins == [(b"shop@example", b"right")]


async def test_refused_credentials_are_the_settings_fault(smtp: FakeSmtp) -> None:
    outcome = await send(smtp, f"smtp://shop:wrong@127.0.0.1:{smtp.port}?starttls=never")
    assert isinstance(outcome, Temporary)
    assert outcome.reason.startswith("535 ")
    assert smtp.mails == []


async def test_a_password_is_not_sent_in_the_clear_by_default(smtp: FakeSmtp) -> None:
    assert await send(smtp, f"smtp://shop:right@127.0.0.1:{smtp.port}") == Temporary("SMTPException")
    assert (smtp.logins, smtp.mails) == ([], [])


def anonymous_tls(purpose: ssl.Purpose) -> ssl.SSLContext:
    """TLS with no certificate on either side, so that no key lies in the repository."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if purpose is ssl.Purpose.CLIENT_AUTH else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


async def test_implicit_tls() -> None:
    async with serving(implicit_tls=anonymous_tls(ssl.Purpose.CLIENT_AUTH)) as smtp:
        server = SmtpServer.from_url(f"smtps://127.0.0.1:{smtp.port}")
        transport = SmtpTransport(server, limits=FAST, tls_context=anonymous_tls(ssl.Purpose.SERVER_AUTH))
        assert await transport.send(outgoing()) == Sent("2.0.0 queued as 1")


async def test_starttls_protects_the_password() -> None:
    async with serving(starttls=anonymous_tls(ssl.Purpose.CLIENT_AUTH)) as smtp:
        server = SmtpServer.from_url(f"smtp://shop:right@127.0.0.1:{smtp.port}")
        transport = SmtpTransport(server, limits=FAST, tls_context=anonymous_tls(ssl.Purpose.SERVER_AUTH))
        assert await transport.send(outgoing()) == Sent("2.0.0 queued as 1")
        assert smtp.commands.count("EHLO") == 2  # once more inside TLS (RFC 3207 4.2)
        assert smtp.logins == [(b"shop", b"right")]


async def test_a_server_without_a_valid_certificate_gets_nothing() -> None:
    async with serving(implicit_tls=anonymous_tls(ssl.Purpose.CLIENT_AUTH)) as smtp:
        outcome = await send(smtp, f"smtps://shop:right@127.0.0.1:{smtp.port}")
        assert isinstance(outcome, Temporary)
        assert (smtp.logins, smtp.mails) == ([], [])


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 587, None, None, "auto")),
        ("smtp://mail.example:25?starttls=never", SmtpServer("mail.example", 25, None, None, "never")),
        ("smtp://u:p%2F@mail.example", SmtpServer("mail.example", 587, "u", "p/", "required")),
        ("smtp://u:p@mail.example?starttls=auto", SmtpServer("mail.example", 587, "u", "p", "auto")),
        ("smtps://u:p@mail.example", SmtpServer("mail.example", 465, "u", "p", "implicit")),
    ],
)
def test_addresses_of_relays(url: str, server: SmtpServer) -> None:
    assert SmtpServer.from_url(url) == server


@pytest.mark.parametrize(
    "url", ["http://u:hush@mail.example", "smtp://", "smtp://u:hush@m?starttls=maybe", "smtp://u:hush@m?tls=1", "mail"]
)
def test_a_wrong_address_is_named_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="an SMTP address") as refused:
        SmtpServer.from_url(url)
    assert "hush" not in str(refused.value)


async def test_being_cancelled_is_passed_on(smtp: FakeSmtp) -> None:
    smtp.script(Stage.RCPT, Fault.HANG)
    task = asyncio.create_task(send(smtp, limits=Limits(command_s=30)))
    await smtp.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert smtp.mails == []
