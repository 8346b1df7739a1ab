"""How facts are kept: tables, migrations and the connection to PostgreSQL."""
