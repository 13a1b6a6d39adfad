-- Checks what can have changed while the component waited for the locks: the receipt is void, or was used.
CREATE OR REPLACE FUNCTION fn_dot_check_receipt_counts(p_invocation_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_wrong text;
BEGIN
  IF fn_dot_receipt_is_void(p_invocation_id) THEN
    v_wrong := 'a gate closed before it was committed';
  ELSIF EXISTS (SELECT FROM process_component_observation c WHERE c.invocation_id = p_invocation_id) THEN
    v_wrong := 'it was used already';
  END IF;
  IF v_wrong IS NOT NULL THEN
    PERFORM fn_dot_refuse('invocation_mismatch', format('the receipt does not fit: %s', v_wrong),
      jsonb_build_object('invocation_id', p_invocation_id));
  END IF;
END;
$$;
