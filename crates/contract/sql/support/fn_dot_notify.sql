-- Wakes whoever listens, once this transaction commits; the payload is the installation's schema. Only for speed,
-- everybody polls as well: the queue is the whole cluster's, and once somebody's forgotten listener has let it run
-- full, a NOTIFY fails at commit. A gate must close all the same, so nothing is sent into a queue that is half full.
-- Nor while another transaction has the lock under which a commit writes to the queue: no time limit of a function
-- bounds the wait for it, and a login of any database keeps it for seconds with a gigabyte of notifications.
CREATE OR REPLACE FUNCTION fn_dot_notify(p_channel text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF pg_notification_queue_usage() < 0.5 AND NOT EXISTS (
       SELECT FROM pg_locks l
       WHERE l.locktype = 'object' AND l.database = 0 AND l.classid = 'pg_database'::regclass AND l.objid = 0
         AND l.pid IS DISTINCT FROM pg_backend_pid()) THEN
    PERFORM pg_notify(p_channel, current_schema());
  END IF;
END;
$$;
