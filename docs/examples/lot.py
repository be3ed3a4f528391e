"""A lot platform in sixty lines: takes BoLink's no-plate entries (5.7), keeps them, uploads them (3.1).

BOLINK_KEY=… HUB=http://127.0.0.1:8802 python3 lot.py 8801
"""

# ruff: noqa: E401, E501, E701, I001
# fmt: off
import hashlib, hmac, json, os, re, sqlite3, sys, threading, time, urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY, HUB, UNION, PARK, LANES = os.environ["BOLINK_KEY"], os.environ["HUB"], "200002", "21787", {"A1", "A2"}
db, lock = sqlite3.connect("lot.db", check_same_thread=False), threading.Lock()
db.executescript("""create table if not exists answers(digest primary key, said);
    create table if not exists stays(order_id primary key, car unique, upload, done default 0, due default 0, pause default 1);""")

def sign(text): return hashlib.md5(text + b"key=" + KEY.encode()).hexdigest().upper()

def raw_data(body):  # the text of data exactly as it came: that is what is signed
    text = body.decode("utf-8-sig")
    start = re.search(r'"data"\s*:\s*', text).end()
    return text[start:json.JSONDecoder().raw_decode(text, start)[1]]

def answer(body):
    outer, text = json.loads(body.decode("utf-8-sig")), raw_data(body)
    data = json.loads(text)
    no = {"state": 0, "errmsg": "", "car_number": str(data.get("car_number", "")), "timetemp": int(time.time())}
    if not hmac.compare_digest(str(outer.get("sign")).encode(), sign(text.encode()).encode()):
        return 401, no | {"errmsg": "签名错误"}
    if (str(data.get("union_id", outer.get("union_id"))), str(data.get("park_id"))) != (UNION, PARK):
        return 404, no | {"errmsg": "没有这个车场"}
    if data.get("service_name") != "nolicence_in_park": return 200, no | {"errmsg": "暂不支持该业务"}
    digest = hashlib.sha256(text.encode()).hexdigest()
    with lock, db:  # one at a time, in one transaction: the same message twice, at once too, gets the first answer
        known = db.execute("select said from answers where digest = ?", [digest]).fetchone()
        said = json.loads(known[0]) if known else no | enter(data, no["car_number"])
        db.execute("insert or ignore into answers values (?, ?)", [digest, json.dumps(said)])
    return 200, said

def enter(data, car):
    if data["channel_id"] not in LANES: return {"errmsg": "车道不存在，请联系管理员"}
    order = str(data.get("order_id") or f"{time.time_ns()}_{car}")
    upload = {"car_number": car, "in_time": int(time.time()), "order_id": order, "empty_plot": 100, "park_id": PARK,
              "union_id": int(UNION), "car_cost_type": 4, "in_channel_id": data["channel_id"]}
    db.execute("insert or ignore into stays(order_id, car, upload) values (?, ?, ?)", [order, car, json.dumps(upload)])
    return {"state": 1, "errmsg": "入场成功"}  # kept first; a real lot looks at its loop before, and raises the arm here

def send(order, upload, pause):
    body = b'{"data":%b,"sign":"%b"}' % (upload.encode(), sign(upload.encode()).encode())
    said = {}
    with suppress(Exception): said = json.load(urllib.request.urlopen(f"{HUB}/unionapi/neworder/addorder", body, 5))
    done = isinstance(said, dict) and (said.get("state") == 1 or said.get("errmsg") == "订单已存在")
    with lock, db: db.execute("update stays set done = ?, due = ?, pause = min(pause * 2, 300) where order_id = ?", [done, time.time() + pause, order])

def courier():  # at most eight a second, each until it is taken, none waits for another
    with ThreadPoolExecutor(32) as pool:
        while not time.sleep(0.125):
            with lock, db:
                row = db.execute("select order_id, upload, pause from stays where not done and due < ? order by due", [time.time()]).fetchone()
                if row: db.execute("update stays set due = ? where order_id = ?", [time.time() + 60, row[0]])
            if row: pool.submit(send, *row)

class Door(BaseHTTPRequestHandler):
    def do_POST(self):
        size = int(self.headers.get("Content-Length") or 0)
        try: status, said = answer(self.rfile.read(size)) if size < 65536 else (413, {"state": 0, "errmsg": "消息太大"})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError): status, said = 400, {"state": 0, "errmsg": "消息读不懂"}
        with suppress(OSError):
            self.send_response(status), self.send_header("Content-Type", "application/json"), self.end_headers()
            self.wfile.write(json.dumps(said, ensure_ascii=False).encode())
    def log_message(self, *args): pass

threading.Thread(target=courier, daemon=True).start()
ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
