-- The record of cutovers accepts the names of scheduling's databases only; here the service's database is named `billing`.
ALTER TABLE cutover.ownership
    DROP CONSTRAINT ownership_owner_known,
    ADD CONSTRAINT ownership_owner_known CHECK (owner IN ('monolith', 'billing'));
ALTER TABLE cutover.cutover
    DROP CONSTRAINT cutover_source_known,
    DROP CONSTRAINT cutover_target_known,
    ADD CONSTRAINT cutover_source_known CHECK (source IN ('monolith', 'billing')),
    ADD CONSTRAINT cutover_target_known CHECK (target IN ('monolith', 'billing') AND target <> source);
ALTER TABLE cutover.server
    DROP CONSTRAINT server_name_check,
    ADD CONSTRAINT server_name_check CHECK (name IN ('monolith', 'billing'));
