-- Before the entry: the car stands on the loop.
BEGIN;
SELECT * FROM lots WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') FOR UPDATE;
SELECT * FROM lanes WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND channel_id = 'A' || :lane::text;
INSERT INTO presences (presence_id, lot_id, channel_id, arrived_at) VALUES ('car' || :n::text, '200002-' || lpad(:lot::text, 3, '0'), 'E' || :client_id::text || 'A' || :lane::text, now());
COMMIT;
