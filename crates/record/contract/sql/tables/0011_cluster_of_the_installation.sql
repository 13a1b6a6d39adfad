-- Which cluster the contract was last installed in: a dump that is restored elsewhere brings another cluster's along, and whatever
-- compares transaction ids knows that they are of two. Null where it was installed before this was recorded.
ALTER TABLE dot_contract_release ADD COLUMN system_identifier bigint;
