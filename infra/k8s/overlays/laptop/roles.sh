# Sourced by the image when the folder of data is empty: a database each, owned by a role that owns nothing else.
for name in mlflow prefect preflight; do
    psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --no-psqlrc \
        -v name="$name" -v password="$(cat "/run/secrets/postgres/${name}_password")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
