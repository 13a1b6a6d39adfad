-- Every change of a gate enters the history when it commits, also one that the owner makes by hand.
DROP TRIGGER IF EXISTS gate_history ON dot_config;
CREATE CONSTRAINT TRIGGER gate_history AFTER INSERT OR UPDATE ON dot_config DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION fn_dot_gate_change_record();
ALTER TABLE dot_config ENABLE ALWAYS TRIGGER gate_history;
