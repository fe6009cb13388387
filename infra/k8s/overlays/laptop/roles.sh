# Sourced by the image when the folder of data is empty: a database each, owned by a role that owns nothing else.
for name in mlflow prefect preflight; do
    # psql reads the password itself: an argument would stand in the list of processes
    PASSWORD_FILE="/run/secrets/postgres/${name}_password" \
        psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --no-psqlrc -v name="$name" <<'SQL'
\set password `cat "$PASSWORD_FILE"`
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
