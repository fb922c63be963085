"""What is stored is carried over to a newer schema."""

from psycopg.types.json import Jsonb

from db.base import type_json
from db.embedded import EmbeddedServer
from db.ids import uuid7
from db.upgrade import upgrade
from recovery.config import FlowConfig
from tests.databases import administer

COMPANY = """
INSERT INTO companies (id, name, legal_name, postal_address, support_email, currency, timezone, country, created_at)
VALUES (%s, 'Wren', 'Wren LLC', '1 Quay', 'help@wren.example', 'USD', 'UTC', 'US', now())
"""
FLOW = """
INSERT INTO flow_config_versions (company_id, version, config, changed_by, created_at) VALUES (%s, %s, %s, 'Ada', now())
"""


def stored(**opening: str) -> type_json:
    config = FlowConfig().model_dump(mode="json", by_alias=True)
    config["voice"]["script"]["opening"] |= opening
    return config


def test_a_greeting_that_says_the_name_or_does_not_ask_for_it_goes_back_to_the_template(server: EmbeddedServer) -> None:
    name, company_id = f"upgraded_{uuid7().hex}", uuid7()
    with administer(server) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            upgrade(server.at(name).owner_url, revision="0008")
            with administer(server, name) as owner:
                owner.execute(COMPANY, (company_id,))
                for version, config in enumerate(
                    (
                        stored(greeting="Is this {{customerName}}?", greetingWithoutName="Do you know us?"),
                        stored(greeting="Who is this, please?", greetingWithoutName="Who is this, please?"),
                        {"enabled": False},
                        stored(greeting="Is this a good time to talk?"),
                        stored(greeting="Hi, my name is Ava. Are you well?"),
                        stored(greeting="Who’s this, please?"),
                    ),
                    start=1,
                ):
                    owner.execute(FLOW, (company_id, version, Jsonb(config)))
            upgrade(server.at(name).owner_url)
            with administer(server, name) as owner:
                rows = owner.execute("SELECT config FROM flow_config_versions ORDER BY version").fetchall()
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    first, second, third, fourth, fifth, sixth = (FlowConfig.model_validate(config) for (config,) in rows)
    assert first == FlowConfig()
    assert second.voice.script.opening.greeting == "Who is this, please?"
    assert third == FlowConfig(enabled=False)
    assert fourth == fifth == FlowConfig()
    assert sixth.voice.script.opening.greeting == "Who’s this, please?"
