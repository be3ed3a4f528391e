-- One entry as SQL alone: the rows of the two commits, one statement a table, as pgbench's clients send it.
\set lot random(0, 199)
\set lane random(1, 5)
\set n random(1, 1000000000000000)
BEGIN;
SELECT * FROM lots WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') FOR UPDATE;
SELECT * FROM lanes WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND channel_id = 'A' || :lane::text;
SELECT * FROM presences WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND channel_id = 'A' || :lane::text AND left_at IS NULL;
SELECT * FROM inbox WHERE digest = 'digest' || :n::text;
SELECT * FROM orders WHERE licence = :n::text AND state IN ('waiting', 'in');
SELECT * FROM orders WHERE presence_id = 'car' || :n::text AND state IN ('waiting', 'in');
SELECT * FROM drivers WHERE licence = :n::text;
SELECT * FROM blocked WHERE value IN (:n::text, 'o6_bmjrPTlm6_2sgVt7hMZO' || :n::text);
UPDATE lots SET spaces_free = spaces_free - 1 WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0');
INSERT INTO orders (lot_id, order_id, origin, state, waiting_for, licence, pay_user_id, channel_id, presence_id, requested_at) VALUES ('200002-' || lpad(:lot::text, 3, '0'), '20260101000000000_' || :n::text, 'scan', 'waiting', 'barrier', :n::text, 'o6_bmjrPTlm6_2sgVt7hMZO' || :n::text, 'A' || :lane::text, 'car' || :n::text, now());
INSERT INTO order_events (lot_id, order_id, at, event, detail) VALUES ('200002-' || lpad(:lot::text, 3, '0'), '20260101000000000_' || :n::text, now(), 'waiting', 'barrier');
INSERT INTO lifts (lot_id, lift_id, channel_id, order_id, command, cause, actor, intended_at, deadline) VALUES ('200002-' || lpad(:lot::text, 3, '0'), 'L20260101000000000' || :n::text, 'A' || :lane::text, '20260101000000000_' || :n::text, 'open', 'scan', 'driver', now(), now() + interval '3.7 s');
INSERT INTO inbox (digest, lot_id, received_at, key_id, order_id) VALUES ('digest' || :n::text, '200002-' || lpad(:lot::text, 3, '0'), now(), 1, '20260101000000000_' || :n::text);
INSERT INTO drivers (licence, lot_id, scans, last_scan_at) VALUES (:n::text, '200002-' || lpad(:lot::text, 3, '0'), 1, now()) ON CONFLICT (licence, lot_id) DO UPDATE SET scans = excluded.scans, last_scan_at = excluded.last_scan_at;
COMMIT;
BEGIN;
SELECT * FROM lots WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') FOR UPDATE;
SELECT * FROM orders WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND order_id = '20260101000000000_' || :n::text;
SELECT * FROM inbox WHERE digest = 'digest' || :n::text;
UPDATE orders SET state = 'in', waiting_for = '', told_state = 1, told_text = '入场成功', in_at = now() WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND order_id = '20260101000000000_' || :n::text;
INSERT INTO order_events (lot_id, order_id, at, event, detail) VALUES ('200002-' || lpad(:lot::text, 3, '0'), '20260101000000000_' || :n::text, now(), 'in', 'confirmed');
UPDATE lifts SET outcome = 'accepted', outcome_at = now() WHERE lot_id = '200002-' || lpad(:lot::text, 3, '0') AND lift_id = 'L20260101000000000' || :n::text;
UPDATE inbox SET answer = convert_to('{"errmsg":"入场成功","state":1,"car_number":"0000000","timetemp":1700000000}', 'UTF8') WHERE digest = 'digest' || :n::text AND lot_id = '200002-' || lpad(:lot::text, 3, '0');
INSERT INTO deliveries (lot_id, order_id, section, payload, state, created_at, next_at) VALUES ('200002-' || lpad(:lot::text, 3, '0'), '20260101000000000_' || :n::text, '3.1', '{"car_number":"0000000","in_time":1700000000,"order_id":"20260101000000000_00000000","empty_plot":1000,"park_id":"000","union_id":200002,"car_cost_type":4,"in_channel_id":"A1"}', 'pending', now(), now());
COMMIT;
