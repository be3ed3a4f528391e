-- Between the entry and the price: the car drives through the entry's arm, and stands in an exit lane later.
BEGIN;
SELECT * FROM lots WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') FOR UPDATE;
SELECT * FROM lanes WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND channel_id = 'A' || :lane::text;
SELECT * FROM presences WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND presence_id = 'car' || :n::text;
SELECT * FROM orders WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND presence_id = 'car' || :n::text;
UPDATE presences SET left_at = now(), left_how = 'passed' WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND presence_id = 'car' || :n::text;
UPDATE orders SET passed_at = now() WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND order_id = '20260101000000000_' || :n::text;
INSERT INTO order_events (lot_id, order_id, at, event, actor, detail) VALUES ('200002-' || lpad(:lot::text, 3, '0'), '20260101000000000_' || :n::text, now(), 'passed', '', 'seen');
UPDATE drivers SET scans = 0 WHERE licence = :n::text AND lot_id = '200002-' || lpad(:lot::text, 3, '0');
COMMIT;
BEGIN;
SELECT * FROM lots WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') FOR UPDATE;
SELECT * FROM lanes WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND channel_id = 'B' || :lane::text;
INSERT INTO presences (presence_id, lot_id, channel_id, arrived_at) VALUES ('out' || :n::text, '200002-' || lpad(:lot::text, 3, '0'), 'E' || :client_id::text || 'B' || :lane::text, now());
INSERT INTO departures (lot_id, presence_id, channel_id, charge_at) VALUES ('200002-' || lpad(:lot::text, 3, '0'), 'out' || :n::text, 'E' || :client_id::text || 'B' || :lane::text, now());
COMMIT;
