"""Row-level security, the functions that see past it, partitions, and the job queue."""

from alembic import op
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment

from db.security import APP_ROLE, append_only, definer, wall

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TENANT_TABLES = [
    "api_keys",
    "users",
    "shipping_rates",
    "tax_rates",
    "customers",
    "consent_records",
    "suppressions",
    "products",
    "product_variants",
    "variant_prices",
    "price_history",
    "stock",
    "bundles",
    "bundle_items",
    "reviews",
    "carts",
    "cart_lines",
    "inventory_holds",
    "orders",
    "order_lines",
    "grants",
    "contact_decisions",
    "flow_config_versions",
    "save_attempts",
    "stage_events",
    "interventions",
    "messages",
    "message_events",
    "chat_sessions",
    "chat_leases",
    "chat_turns",
    "chat_messages",
    "blocked_sentences",
    "turn_sources",
    "tool_calls",
    "handoffs",
    "faq_entries",
    "faq_chunks",
    "faq_vectors",
    "cart_upsell_offers",
    "cart_trigger_impressions",
    "cart_voice_calls",
    "idempotency_keys",
]

APPEND_ONLY = [
    "consent_records",
    "suppressions",
    "contact_decisions",
    "stage_events",
    "message_events",
    "price_history",
    "flow_config_versions",
    "blocked_sentences",
]

FIND_KEY = "SELECT company_id, id FROM api_keys WHERE key_hash = hash"
FIND_USER = "SELECT company_id, id FROM users WHERE email = address"


def release(table: str, due: str, step: str) -> str:
    """Claim a batch of due rows once, whoever asks; `released_at` is real time, it guards a process that dies."""
    return f"""
        UPDATE {table} t SET released_at = clock_timestamp()
        FROM (SELECT company_id, id FROM {table} WHERE {due} <= at AND released_at IS NULL
              ORDER BY {due} LIMIT most FOR UPDATE SKIP LOCKED) due
        WHERE t.company_id = due.company_id AND t.id = due.id
        RETURNING t.company_id, t.id, t.{step}
    """


RECLAIM = """
    UPDATE save_attempts SET released_at = NULL WHERE released_at < clock_timestamp() - older_than;
    UPDATE messages SET released_at = NULL WHERE released_at < clock_timestamp() - older_than;
    UPDATE carts SET released_at = NULL WHERE released_at < clock_timestamp() - older_than;
"""

EXPIRE = """
    UPDATE inventory_holds h SET status = 'EXPIRED', ended_at = at
    FROM (SELECT company_id, id FROM inventory_holds WHERE status = 'ACTIVE' AND expires_at <= at
          FOR UPDATE SKIP LOCKED) due
    WHERE h.company_id = due.company_id AND h.id = due.id;
    UPDATE grants g SET status = 'EXPIRED', ended_at = at
    FROM (SELECT company_id, id FROM grants WHERE status IN ('PROPOSED', 'COMMITTED') AND expires_at <= at
          FOR UPDATE SKIP LOCKED) due
    WHERE g.company_id = due.company_id AND g.id = due.id;
"""

NEXT_DUE = """
    SELECT least(
        (SELECT min(due_at) FROM save_attempts WHERE due_at IS NOT NULL AND released_at IS NULL),
        (SELECT min(due_at) FROM messages WHERE due_at IS NOT NULL AND released_at IS NULL),
        (SELECT min(idle_due_at) FROM carts WHERE idle_due_at IS NOT NULL AND released_at IS NULL),
        (SELECT min(expires_at) FROM inventory_holds WHERE status = 'ACTIVE'),
        (SELECT min(expires_at) FROM grants WHERE status IN ('PROPOSED', 'COMMITTED'))
    )
"""

WORK_UNDER_WAY = """
    SELECT EXISTS (SELECT FROM save_attempts WHERE released_at IS NOT NULL)
        OR EXISTS (SELECT FROM messages WHERE released_at IS NOT NULL)
        OR EXISTS (SELECT FROM carts WHERE released_at IS NOT NULL)
        OR EXISTS (SELECT FROM pgqueuer WHERE status IN ('queued', 'picked'))
"""

ENSURE_PARTITIONS = """
DECLARE
    parent text;
    month timestamp;
    child text;
BEGIN
    -- Workers of one minute take turns: whoever comes second finds the partitions.
    PERFORM pg_advisory_xact_lock(7266103);
    FOREACH parent IN ARRAY ARRAY['contact_decisions', 'stage_events', 'message_events',
                                  'cart_trigger_impressions'] LOOP
        FOR month IN SELECT generate_series(date_trunc('month', from_at AT TIME ZONE 'UTC'),
                                            date_trunc('month', to_at AT TIME ZONE 'UTC'), '1 month') LOOP
            child := parent || to_char(month, '"_"YYYY"_"MM');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            BEGIN
                EXECUTE 'CREATE TABLE ' || quote_ident(child) || ' PARTITION OF ' || quote_ident(parent)
                    || ' FOR VALUES FROM (' || quote_literal(month AT TIME ZONE 'UTC')
                    || ') TO (' || quote_literal((month + interval '1 month') AT TIME ZONE 'UTC') || ')';
            EXCEPTION WHEN check_violation THEN
                -- The clock was ahead of us: rows of this month lie in the default partition, and stay there.
                NULL;
            END;
        END LOOP;
    END LOOP;
END
"""

IDS = "TABLE (company_id uuid, id uuid)"
STEPS = "TABLE (company_id uuid, id uuid, step bigint)"


def statements() -> list[str]:
    batch = "at timestamptz, most integer"
    return [
        *(statement for table in TENANT_TABLES for statement in wall(table)),
        *wall("companies", "id"),
        *(statement for table in APPEND_ONLY for statement in append_only(table)),
        "INSERT INTO clock (id, \"offset\") VALUES (1, interval '0')",
        f"GRANT SELECT, UPDATE ON clock TO {APP_ROLE}",
        *definer("find_key", "hash text", IDS, FIND_KEY),
        *definer("find_user", "address text", IDS, FIND_USER),
        *definer("release_attempts", batch, STEPS, release("save_attempts", "due_at", "step")),
        *definer("release_messages", batch, STEPS, release("messages", "due_at", "tries")),
        *definer("release_carts", batch, STEPS, release("carts", "idle_due_at", "abandonment")),
        *definer("reclaim_lost", "older_than interval", "void", RECLAIM),
        *definer("expire_due", "at timestamptz", "void", EXPIRE),
        *definer("next_due", "", "timestamptz", NEXT_DUE),
        *definer(
            "ensure_partitions",
            "from_at timestamptz, to_at timestamptz",
            "void",
            ENSURE_PARTITIONS,
            language="plpgsql",
        ),
        *(
            f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT"
            for table in ("contact_decisions", "stage_events", "message_events", "cart_trigger_impressions")
        ),
        *(
            s
            for s in (
                f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON pgqueuer, pgqueuer_log, pgqueuer_statistics, pgqueuer_schedules TO {APP_ROLE}",
                f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}",
            )
        ),
        *definer("work_under_way", "", "boolean", WORK_UNDER_WAY),
    ]


def upgrade() -> None:
    op.get_bind().exec_driver_sql(QueryBuilderEnvironment().build_install_query())
    for statement in statements():
        op.get_bind().exec_driver_sql(statement)
