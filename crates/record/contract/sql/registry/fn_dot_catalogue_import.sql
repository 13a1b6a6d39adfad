-- Imports a whole catalogue in one transaction, all or nothing, and returns the result of each entry. The catalogue is
-- an object with the arrays tool, candidate, fixture and contract. Objects that it does not name stay unchanged.
--
-- The registry's own functions check and write every entry. A dry run writes as well and rolls back before it returns,
-- so it takes the same locks. It returns refused entries as part of the plan. Without p_dry_run they raise. p_reason
-- stands in the history of the contracts that change.
CREATE OR REPLACE FUNCTION fn_dot_catalogue_import(p_catalogue jsonb, p_actor text, p_dry_run boolean DEFAULT false,
  p_reason text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_is_dry_run boolean := coalesce(p_dry_run, false);
  v_plan       jsonb;
  v_is_refused boolean;
  v_constraint text;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  PERFORM fn_dot_check_catalogue(p_catalogue);
  BEGIN
    -- Before any read, and outside the entries' own subtransactions, which would release the locks.
    PERFORM fn_dot_registry_lock();
    v_plan := fn_dot_catalogue_write(p_catalogue, p_actor, p_reason);
    v_is_refused := EXISTS (SELECT FROM jsonb_array_elements(v_plan) e WHERE e ->> 'action' = 'refuse');
    IF v_is_dry_run OR v_is_refused THEN
      RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
    END IF;
  EXCEPTION
    WHEN SQLSTATE 'DOTUN' THEN
      NULL;
    WHEN lock_not_available OR deadlock_detected THEN
      GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
      -- A refusal names the cause already.
      IF v_constraint <> '' THEN
        RAISE;
      END IF;
      PERFORM fn_dot_refuse('busy', 'another transaction is using what the catalogue names');
  END;
  IF v_is_refused AND NOT v_is_dry_run THEN
    PERFORM fn_dot_catalogue_refuse(v_plan);
  END IF;
  RETURN v_plan;
END;
$$;
