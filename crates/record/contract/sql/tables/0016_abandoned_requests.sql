-- A request that every worker dies of is abandoned: the word of job queues.
ALTER TABLE dot_run_request DROP CONSTRAINT dot_run_request_outcome_check;
UPDATE dot_run_request SET outcome = 'abandoned' WHERE outcome = 'gave_up';
ALTER TABLE dot_run_request ADD CONSTRAINT dot_run_request_outcome_check CHECK (outcome IN ('concluded', 'refused', 'abandoned'));
