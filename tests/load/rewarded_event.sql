-- A rewarded event as six statements: the same rows, indexes and triggers that Trackward writes.
-- The id is a UUIDv7, so that this one too lands in the month's partition and at the index's end.
\set customer random(:first_customer, :last_customer)
BEGIN;
SELECT last_seq + 1 AS seq FROM events_customer WHERE id = :customer FOR UPDATE \gset
WITH made AS (INSERT INTO events_batch (project_id, events, created_at) VALUES (:project, 1, clock_timestamp()) RETURNING id, created_at), event AS (SELECT id, created_at, (lpad(to_hex((extract(epoch FROM created_at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid AS event_id FROM made) INSERT INTO events_openbatch (batch_id, shard, project_id, events, first_event_id, last_event_id, first_received_at) SELECT id, :shard, :project, 1, event_id, event_id, created_at FROM event RETURNING batch_id AS batch, first_event_id AS event \gset
INSERT INTO events_event (id, project_id, event_type_id, customer_id, customer_seq, batch_id, occurred_at, received_at, wire, status, reason, metadata, points_awarded, points_total) VALUES (:event, :project, :event_type, :customer, :seq, :batch, now(), now(), 'pgbench', 'accepted', '', '{"platform":"ios","appVersion":"2.1.4","sessionLength":183}', 10, 10);
INSERT INTO events_eventkey (project_id, key, event_id, body_hash, answer) VALUES (:project, :event, :event, '\x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', '{"status":"accepted","points_awarded":10}');
UPDATE rewards_account SET balance = balance + 10 WHERE owner_type = 'customer' AND owner_id = :customer AND kind = 'available' RETURNING id AS account \gset
INSERT INTO rewards_transfer (project_id, customer_id, debit_id, credit_id, amount, kind, source_key, event_id, version_id, trace, created_at) VALUES (:project, :customer, :issued_account, :account, 10, 'award', replace(:event, '-', '') || '/rule/1/award', :event, 1, '{"desired":10,"limits":[],"granted":10}', now());
COMMIT;
