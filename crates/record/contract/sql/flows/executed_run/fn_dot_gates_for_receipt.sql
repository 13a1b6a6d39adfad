-- Returns the posture that a producer's receipt is written under, and the number of the last gate change that this
-- posture includes. Refuses a posture that does not allow the mode.
CREATE OR REPLACE FUNCTION fn_dot_gates_for_receipt(p_mode text, OUT posture text, OUT change_number bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_is_changed_here boolean;
BEGIN
  SELECT g.posture, g.change_number, g.is_changed_here INTO posture, change_number, v_is_changed_here
  FROM fn_dot_gates_read() g;
  PERFORM fn_dot_check_evidence_gate(p_mode, posture);
  IF v_is_changed_here THEN
    PERFORM fn_dot_refuse('busy', 'this transaction changed a gate: the change takes effect when it commits');
  END IF;
END;
$$;
