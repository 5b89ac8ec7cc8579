#!/bin/sh
# Write the secrets of a new deployment into FOLDER, which must not exist yet:
#   sh deploy/settings/new-secrets.sh FOLDER
# One environment file per purpose, so that each process receives no secret that it does not use. Needs openssl.
set -eu
umask 077

if [ $# -ne 1 ]; then
    echo "usage: sh new-secrets.sh FOLDER" >&2
    exit 2
fi
if [ -e "$1" ]; then
    echo "new-secrets: $1 exists: new secrets would lock the running processes out; choose another folder" >&2
    exit 2
fi
mkdir -p "$1"
cd "$1"

random() {
    openssl rand -hex 32
}

# The last 32 bytes of the DER form are the raw key.
raw_key() {
    tail -c 32 | openssl base64 | tr '+/' '-_' | tr -d '=\n'
}

key=$(mktemp)
trap 'rm -f "$key"' EXIT
openssl genpkey -algorithm ed25519 -outform DER -out "$key"
key_id="key-$(openssl rand -hex 4)"
private=$(raw_key <"$key")
public=$(openssl pkey -inform DER -in "$key" -pubout -outform DER | raw_key)

monolith=$(random)
scheduling=$(random)
metrics=$(random)

echo "DATABASE_ROLE_SECRET=$monolith" >monolith.env
echo "SERVICE_TOKEN_SIGNING_KEY=$key_id:$private" >monolith-token.env
echo "DATABASE_ROLE_SECRET=$scheduling" >scheduling.env
echo "SERVICE_TOKEN_VERIFY_KEYS=$key_id:$public" >scheduling-token.env
printf 'MONOLITH_DATABASE_ROLE_SECRET=%s\nSCHEDULING_DATABASE_ROLE_SECRET=%s\n' "$monolith" "$scheduling" >cutover.env
echo "METRICS_TOKEN=$metrics" >metrics.env
echo "EVENT_SECRETS=$(random)" >events.env
printf '%s' "$metrics" >metrics-token
# Prometheus reads it in a container as a user of its own; the folder keeps other users of this machine out.
chmod 644 metrics-token
for name in monolith scheduling; do
    password=$(random)
    echo "POSTGRES_PASSWORD=$password" >"$name-postgres.env"
    echo "PGPASSWORD=$password" >"$name-administrator.env"
done
