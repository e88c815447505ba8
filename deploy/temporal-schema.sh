#!/bin/sh
# Makes the databases of Temporal in PostgreSQL, or brings them up to the version of this image. May run again.
set -eu
for database in temporal:temporal temporal_visibility:visibility; do
  tool="temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u heliograph --db ${database%:*}"
  $tool create
  $tool setup-schema -v 0.0
  $tool update-schema -d "/etc/temporal/schema/postgresql/v12/${database#*:}/versioned"
done
