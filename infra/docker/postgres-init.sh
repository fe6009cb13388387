#!/bin/bash
# On the first start of PostgreSQL: a database for each part of the stack, owned by a role that may enter no other.
set -euo pipefail
for name in mlflow prefect preflight; do
  # psql reads the password itself: an argument would stand in the list of processes
  PASSWORD_FILE="/run/secrets/${name}_password" \
    psql -q -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -v role="$name" <<'SQL'
\set password `cat "$PASSWORD_FILE"`
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
