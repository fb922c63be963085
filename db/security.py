"""Row-level security and the few functions that see past it, as SQL for the migrations.

Every tenant table is walled by `app.company_id`, which `transaction()` sets. What must look across
companies (find a key, release what is due) is a SECURITY DEFINER function that returns ids only.
"""

APP_ROLE = "momentum_app"

CURRENT_COMPANY = "nullif(current_setting('app.company_id', true), '')::uuid"


def wall(table: str, column: str = "company_id") -> list[str]:
    """Statements that show a company its own rows of `table` and let it write no others."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY company_wall ON {table} "
        f"USING ({column} = {CURRENT_COMPANY}) WITH CHECK ({column} = {CURRENT_COMPANY})",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP_ROLE}",
    ]


def append_only(table: str) -> list[str]:
    """Evidence is written once: the application may neither change nor delete it."""
    return [f"REVOKE UPDATE, DELETE ON {table} FROM {APP_ROLE}"]


def definer(name: str, arguments: str, returns: str, body: str, *, language: str = "sql") -> list[str]:
    """A function that runs as the owner, callable by the application alone."""
    types = ", ".join(argument.split()[1] for argument in arguments.split(",")) if arguments else ""
    return [
        f"CREATE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE {language} SECURITY DEFINER "
        f"SET search_path = public, pg_temp AS $body$ {body} $body$",
        f"REVOKE ALL ON FUNCTION {name}({types}) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {name}({types}) TO {APP_ROLE}",
    ]
