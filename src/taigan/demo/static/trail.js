// The trail: each scan with its steps, every step a stored row or an event of the side it names.

import { showDetail } from './detail.js';
import { hub, platform } from './sides.js';
import { BAD, SIDES, STEPS, make, t } from './words.js';

const KEPT = 12;
const LANE_STEPS = new Set(['arrived', 'rising', 'up', 'falling', 'down', 'passed', 'backed_out', 'second_car', 'fault']);
const FOLLOWED_FOR = 180_000; // how long a lane's events are told with the scan before them
const SETTLES_IN = 250; // how often a step looks again for the scan it belongs to
const KNOWN_WITHIN = 2000; // by then it is known which of two scans at one lane has the order
// What comes first when two rows were written in the same moment.
const RANK = ['scanned', 'duplicate', 'paid', 'released', 'pushed', 'received', 'refused', 'retold', 'waiting', 'command', 'rejected', 'uncertain', 'accepted', 'in', 'void', 'answered',
  'unanswered', 'shown', 'uploaded'];
const rank = (kind) => (RANK.includes(kind) ? RANK.indexOf(kind) : 50);

const SHOWN = { price: ['待支付', 'to be paid'], paid: ['已支付', 'paid'], pending: ['支付中', 'payment under way'], failed: ['支付失败', 'payment failed'] };

class Entry {
  constructor(scanId, lane, at) {
    Object.assign(this, { scanId, lane, at, licence: '', orderId: '', shown: '', text: '', ended: false });
    this.steps = new Map();
    this.list = make('ol');
    this.head = make('h3');
    this.element = make('article', { class: 'entry' }, this.head, this.list);
    this.draw();
  }

  draw() {
    const shown = make('span', { class: `shown ${this.shown}` }, this.shown ? this.text || t(...(SHOWN[this.shown] ?? [this.shown, this.shown])) : '');
    this.head.replaceChildren(make('span', { class: 'badge' }, this.lane || '¥'), this.licence, shown);
  }

  add(step) {
    const known = this.steps.get(step.id);
    if (known) {
      if (step.text && step.text !== known.step.text) { Object.assign(known.step, step); drawStep(known, this); }
      return false;
    }
    const line = { step, element: make('li') };
    drawStep(line, this);
    this.steps.set(step.id, line);
    const after = [...this.steps.values()]
      .filter((other) => other !== line && (other.step.at > step.at || (other.step.at === step.at && rank(other.step.kind) > rank(step.kind))))
      .sort((a, b) => a.step.at - b.step.at || rank(a.step.kind) - rank(b.step.kind))[0];
    this.list.insertBefore(line.element, after?.element ?? null);
    return true;
  }
}

function drawStep(line, entry) {
  const { step } = line;
  const said = t(...(STEPS[step.name ?? step.kind] ?? STEPS[step.kind] ?? [step.kind, step.kind]));
  const seconds = (step.at - entry.at) / 1000;
  const who = (side) => make('span', { class: `who ${side}` }, t(...SIDES[side]));
  const way = make('span', { class: 'way' }, who(step.from), ...(step.to ? ['→', who(step.to)] : []));
  const what = make('span', { class: 'what' }, make('b', {}, said), ' ');
  if (step.text) what.append(make('span', { class: 'quoted' }, step.text), ' ');
  const button = make('button', { type: 'button', class: `step fresh${BAD.has(step.kind) || step.bad ? ' bad' : ''}`, onclick: () => showDetail(step, entry) },
    make('time', {}, `${seconds < 0 ? '−' : '+'}${Math.abs(seconds).toFixed(3)}`), way, what);
  line.element.replaceChildren(button);
}

export class Trail {
  constructor(place, empty, newest) {
    Object.assign(this, { place, empty, newest });
    this.entries = []; // newest first
    this.due = new Map();
    this.listeners = new Set();
  }

  clear() {
    this.entries = [];
    this.place.replaceChildren();
    this.empty.hidden = false;
  }

  /** What is still stored of the last scans, for a page that was opened later. */
  async recall(many) {
    const scans = new Map();
    for (const push of await hub.pushes(20)) {
      if (push.scan_id && ['nolicence_in_park', 'query_price'].includes(push.service_name) && scans.size < many) scans.set(push.scan_id, push);
    }
    for (const scanId of [...scans.keys()].reverse()) {
      for (const step of await hub.trail(scanId)) this.ofHub(step);
    }
  }

  ofHub(step) {
    if (!step.scan_id) return;
    let entry = this.entries.find((known) => known.scanId === step.scan_id);
    if (!entry) {
      entry = this.#open(step);
      if (step.kind !== 'scanned') hub.trail(step.scan_id).then((steps) => steps.forEach((earlier) => this.ofHub(earlier)));
    }
    const bad = step.kind === 'answered' && !step.text.includes('200');
    this.#add(entry, {
      id: `hub:${step.id}`, kind: step.kind, at: Date.parse(step.at), from: step.speaker, to: step.listener, bad,
      name: step.kind === 'pushed' ? `pushed ${step.text.split(' ')[0]}` : undefined,
      text: step.kind === 'pushed' ? '' : step.text, push: step.push_id, arrival: step.arrival_id, row: step,
    });
    if (step.kind === 'answered' && step.push_id) this.#read(entry, step);
    if (step.kind !== 'scanned') this.#refresh(entry);
  }

  /** A step of the lot. It waits until the scan it belongs to is known: by its order, its licence, or its lane. */
  ofLot(step, waited = 0) {
    const at = Date.parse(step.at);
    const later = () => setTimeout(() => this.ofLot(step, waited + SETTLES_IN), SETTLES_IN);
    if (!waited && (step.step === 'lane' || step.step === 'alarm')) { later(); return; }
    const entry = this.#about(step, at, waited);
    if (!entry) {
      if (waited < KNOWN_WITHIN) later();
      return;
    }
    if (step.order_id && !entry.orderId) entry.orderId = step.order_id;
    const told = { at, row: step };
    if (step.step === 'received') {
      this.#add(entry, { ...told, id: `received:${step.at}`, kind: 'received', from: 'lot', text: step.signature === 'raw' ? '' : `（${step.signature}）` });
    } else if (step.step === 'decided' && !step.order_id && step.next === 'answer') {
      this.#add(entry, { ...told, id: `decided:${step.at}`, kind: step.state === 0 ? 'refused' : 'retold', from: 'lot' });
    } else if (step.step === 'lane' && LANE_STEPS.has(step.kind)) {
      this.#add(entry, { ...told, id: `lane:${step.at}:${step.kind}`, kind: step.kind, from: 'lanes', to: 'lot' });
      entry.ended ||= step.kind === 'passed' || step.kind === 'backed_out';
    } else if (step.step === 'upload' && step.state !== 'done') {
      this.#add(entry, { ...told, id: `retry:${step.at}`, kind: step.state === 'refused' ? 'upload_refused' : 'retry', from: 'lot', text: step.text });
    } else if (step.step === 'alarm') {
      this.#add(entry, { ...told, id: `alarm:${step.at}:${step.kind}`, kind: 'alarm', from: 'lot', text: step.text });
    }
    this.#refresh(entry);
  }

  /** The first entry that fits, now or as soon as it does. */
  async until(fits, seconds) {
    const found = this.entries.find(fits);
    if (found) return found;
    return new Promise((done, fail) => {
      const look = () => {
        const entry = this.entries.find(fits);
        if (entry) { clearTimeout(timer); this.listeners.delete(look); done(entry); }
      };
      const timer = setTimeout(() => { this.listeners.delete(look); fail(new Error('time is up')); }, seconds * 1000);
      this.listeners.add(look);
    });
  }

  #open(step) {
    const entry = new Entry(step.scan_id, step.channel_id, Date.parse(step.at));
    this.entries.unshift(entry);
    this.entries.sort((a, b) => b.at - a.at);
    this.place.insertBefore(entry.element, this.place.children[this.entries.indexOf(entry)] ?? null);
    this.entries.splice(KEPT).forEach((old) => old.element.remove());
    this.empty.hidden = true;
    return entry;
  }

  #about(step, at, waited) {
    const here = this.entries.filter((entry) => entry.at <= at);
    if (step.order_id && step.step !== 'received' && step.step !== 'decided') {
      const known = here.find((entry) => entry.orderId === step.order_id);
      if (known || !step.car_number) return known;
    }
    const lane = here.filter((entry) => entry.lane === step.channel_id && at - entry.at < FOLLOWED_FOR);
    if (step.car_number) {
      const own = lane.find((entry) => !entry.licence || step.car_number.endsWith(entry.licence));
      return own?.licence ? own : undefined;
    }
    const open = lane.filter((entry) => !entry.ended || step.kind === 'falling' || step.kind === 'down');
    if (step.kind === 'arrived' && lane[0]?.ended) return undefined;
    return open.find((entry) => entry.orderId) ?? (waited < KNOWN_WITHIN ? undefined : open[0]);
  }

  #add(entry, step) {
    if (entry.add(step)) {
      if (step.kind === 'shown') this.newest.textContent = `${entry.lane} ${step.text}`;
      this.#tell();
    }
  }

  #tell() {
    for (const look of [...this.listeners]) look();
  }

  async #read(entry, step) {
    const push = await hub.push(step.push_id);
    try {
      const said = JSON.parse(push.answer);
      const line = entry.steps.get(`hub:${step.id}`);
      line.step.text = [said.state, said.price && `¥${said.price}`, said.errmsg].filter((word) => word !== undefined && word !== '').join(' ');
      line.step.bad = said.state === 0;
      drawStep(line, entry);
    } catch { /* no JSON: the step stays as it is */ }
  }

  #refresh(entry) {
    if (this.due.has(entry)) return;
    this.due.set(entry, setTimeout(() => { this.due.delete(entry); this.#load(entry).catch(() => {}); }, 60));
  }

  async #load(entry) {
    const scan = await hub.scanNow(entry.scanId);
    Object.assign(entry, { licence: scan.car_number, shown: scan.shown, text: ['price', 'paid', 'failed', 'pending'].includes(scan.shown) ? '' : scan.text });
    if (scan.price && ['price', 'paid'].includes(scan.shown)) entry.text = `${t(...SHOWN[scan.shown])} ¥${scan.price}`;
    if (scan.shown === 'duplicate') entry.shown = 'waiting';
    entry.draw();
    this.#tell();
    if (scan.shown === 'duplicate') return;
    entry.orderId ||= scan.order_id ?? '';
    if (!entry.orderId && scan.price === undefined) {
      const order = (await platform.orders(scan.car_number)).find((one) => one.channel_id === entry.lane);
      if (!order || (order.closed_at && Date.parse(order.closed_at) < entry.at)) return;
      entry.orderId = order.order_id;
    }
    if (entry.orderId) this.#rows(entry, await platform.order(entry.orderId));
  }

  // An order's rows belong to the last scan before them.
  #rows(entry, order) {
    const next = this.entries.filter((other) => other.orderId === order.order_id && other.at > entry.at).at(-1);
    const mine = (at) => at >= entry.at - 20 && (!next || at < next.at);
    const add = (step) => mine(step.at) && this.#add(entry, step);
    order.events.forEach((row, n) => {
      if (row.event === 'passed') return;
      const detail = { confirmed: '', barrier: '' }[row.detail] ?? row.detail;
      add({ id: `event:${order.order_id}:${n}`, kind: row.event, name: { paid: 'paid at the lot', released: row.detail === 'paid' ? 'released at the exit' : 'released' }[row.event], at: Date.parse(row.at), from: 'lot', text: detail ? `（${detail}）` : '', row, order });
    });
    for (const lift of order.lifts) {
      add({ id: `lift:${lift.lift_id}`, kind: 'command', at: Date.parse(lift.intended_at), from: 'lot', to: 'lanes', row: lift, order });
      if (lift.outcome) {
        add({ id: `outcome:${lift.lift_id}`, kind: lift.outcome, at: Date.parse(lift.outcome_at), from: 'lanes', to: 'lot', text: lift.detail, row: lift, order });
      }
    }
  }
}
