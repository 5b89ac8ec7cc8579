-- The comments of tables and columns, in plain English. Nothing else changes.

COMMENT ON COLUMN scheduling.business.rules_version IS
    'Incremented by every change of the catalog; processes cache compiled rules by it.';
COMMENT ON COLUMN scheduling.offering.settings IS
    'Rules in addition to the columns, as encoded by the contract''s OfferingRules; a missing rule has its default.';
COMMENT ON COLUMN scheduling.weekly_hours.effective_from IS
    'The first date of the schedule; -infinity for the regular week.';
COMMENT ON TABLE scheduling.schedule IS
    'A dated week of a provider; its ranges, if any, are in weekly_hours.';
COMMENT ON TABLE scheduling.date_override IS
    'How one date differs from the week; opens and closes are parallel arrays of minutes after midnight.';
COMMENT ON TABLE scheduling.block IS
    'Blocked time of a provider, of a resource, or of the whole business if both are null.';
COMMENT ON TABLE scheduling.claim IS
    'One row per provider and resource that a holder occupies, including the buffers around the appointment.';
COMMENT ON COLUMN scheduling.claim.resource_id IS
    'The id of a provider or of a resource.';
COMMENT ON COLUMN scheduling.claim.expires_at IS
    'The expiry of a hold; then the claim occupies no time, and a booking that needs the time deletes it.';
COMMENT ON TABLE scheduling.session IS
    'A time of an offering with several seats; holds the claims, and is deleted with its last seat.';
COMMENT ON COLUMN scheduling.appointment.session_id IS
    'The session whose seats it occupies; null if the offering has one seat.';
COMMENT ON TABLE scheduling.assignment IS
    'The rotation of providers for bookings that name no provider.';
COMMENT ON COLUMN scheduling.assignment.last_assigned IS
    'The number of the provider''s last assignment, counted per offering; 0 if never.';
COMMENT ON COLUMN scheduling.assignment.pass IS
    'The pass of stride scheduling: the lowest is next, and increases by 1000000 / weight.';
COMMENT ON TABLE scheduling.history IS
    'Every version of every appointment, and the actor that made it. Append-only: the running role may not change or delete rows.';
COMMENT ON COLUMN scheduling.history.after IS
    'The appointment at this version, as encoded by the contract.';
COMMENT ON COLUMN scheduling.lease.attempt IS
    'The latest cutover attempt that this database has seen; a fence or release of an earlier one has no effect.';
COMMENT ON TABLE scheduling.fence_mark IS
    'The watermark of each business: its latest fence, replicated after everything that was written before it.';
COMMENT ON TABLE scheduling.canary IS
    'Sent by one database and answered in the other, which proves that both replication directions work.';
