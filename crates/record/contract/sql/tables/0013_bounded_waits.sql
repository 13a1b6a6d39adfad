-- Whether a switch of an event type saw every event that was being written: it waits for five seconds, then goes on. Where it is
-- false, events that occurred before the switch may have appeared after it. Null in rows from before this migration, which all saw.
ALTER TABLE event_type_history ADD COLUMN saw_every_event boolean;
-- When a type was switched last: asked by everything that writes an event.
CREATE INDEX event_type_history_by_type ON event_type_history (event_type, changed_at);

-- The logins that took leases which are no pair's: each locks its own row here before its leases are counted (fn_dot_lease_make).
CREATE TABLE dot_lease_login (
  login text PRIMARY KEY
);
