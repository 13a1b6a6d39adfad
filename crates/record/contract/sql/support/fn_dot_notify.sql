-- Sends a notification at commit; the payload is the installation's schema. It only saves time, because all listeners
-- also poll. The notification queue belongs to the whole cluster, and once a listener that never reads has let it fill
-- up, a NOTIFY fails at commit. A gate must close nevertheless, so this function sends nothing into a queue that is
-- half full. It also sends nothing while another transaction holds the lock under which a commit writes to the queue:
-- no timeout of a function bounds the wait for it, and a login of any database can hold it for seconds with a gigabyte
-- of notifications.
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
