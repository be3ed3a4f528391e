// One lane with its phone: what one sees, and what one can do.

import './lane.js';
import { addresses, hub, lot, platform, street } from './sides.js';
import { MODES, both, make, t } from './words.js';

const APPS = [['wechat', '微信', 'WeChat'], ['alipay', '支付宝', 'Alipay'], ['other', '其他软件', 'another app']];
const CAMERAS = [['reads', '读得对', 'reads well'], ['misreads', '读错一个字', 'misreads one character'], ['late', '读得晚', 'reads late'], ['blind', '读不出', 'reads nothing']];
const PLATES = ['京A12345', '沪B88888', '粤C55555'];
const ACTS = [['release', '放行', 'release'], ['refuse', '不放行', 'refuse'], ['open', '抬杆', 'raise'], ['hold', '常开', 'hold open'], ['close', '落杆', 'lower']];
let drivers = 0;

/** Who drove in without a plate: the driver of each licence, so that the same phone scans at the exit. */
const remembered = JSON.parse(sessionStorage.getItem('drivers') ?? '{}');
function remember(licence, driver, app) {
  remembered[licence] = { driver, app };
  sessionStorage.setItem('drivers', JSON.stringify(remembered));
}

const NEVER = 'never'; // the choice of a car that never entered

export class Row {
  constructor(lane, number, { trail, say, sign }) {
    Object.assign(this, { lane, number, trail, say, sign, channel: lane.channel_id, state: null, waiters: new Set(), turn: Promise.resolve() });
    this.out = lane.direction === 'exit';
    this.entryUrl = new URL(this.out ? lane.exit_url : lane.entry_url);
    this.name = this.out ? 'p' : 'code';
    this.code = this.entryUrl.searchParams.get(this.name);
    this.newDriver();
    this.#build();
    trail.listeners.add(() => this.#guide());
  }

  newDriver() {
    this.driver = `car${Date.now().toString(36)}${++drivers}`;
    this.used = false;
  }

  // Doors of the street

  async arrive(plate = this.#plate()) {
    if (this.out) this.#whoDrives();
    else if (this.used) this.newDriver();
    await street.put(this.channel, plate === null ? { car: 'arrives' } : { car: 'arrives', plate });
    if (this.fresh !== this.driver) this.lock();
  }

  /** The plate that was chosen: at an exit of a car inside; null for a car without one at an entry. */
  #plate() {
    if (!this.out) return this.car.value || null;
    return this.cars?.get(this.car.value)?.plate ?? '';
  }

  /** The phone at the exit is in the hands of whoever drove the car in. */
  #whoDrives() {
    const order = this.cars?.get(this.car.value);
    const known = order && !order.plate ? remembered[order.licence] : null;
    this.driver = known?.driver ?? `owner-${order?.car_number ?? Date.now().toString(36)}`;
    if (known) this.app.value = known.app;
  }

  /** At an exit: which cars there are to drive out. */
  async lookInside() {
    const inside = await platform.inside();
    this.cars = new Map(inside.map((order) => [order.order_id, order]));
    const chosen = this.car.value;
    this.car.replaceChildren(...inside.map((order) => make('option', { value: order.order_id },
      `${order.car_number}${order.plate ? '' : t('（无牌）', ' (no plate)')}`)), make('option', { value: NEVER }, t('没有入场记录的车', 'a car that never entered')));
    if (chosen === NEVER || this.cars.has(chosen)) this.car.value = chosen;
    this.prepay.disabled = !this.cars.has(this.car.value);
  }

  #standsHere(state) {
    const order = state.car && [...this.cars.values()].find((one) => (state.plate ? one.plate === state.plate : one.order_id === this.car.value));
    this.curve?.stay(order ? Date.parse(order.in_at) : null);
  }

  drive() { return street.put(this.channel, { car: 'passes' }); }
  backOut() { return street.put(this.channel, { car: 'backs_out' }); }
  follow() { return street.put(this.channel, { car: 'second_car' }); }

  /** As at the start of a day: no car, the arm down, no faults. */
  async reset() {
    await street.put(this.channel, this.out ? { mode: 'ok', camera: 'reads' } : { mode: 'ok' });
    for (let tries = 0; tries < 4 && (await street.lane(this.channel)).car; tries += 1) {
      await street.put(this.channel, { car: 'leaves' });
      await this.until((state) => state.car !== 'under', 3).catch(() => {});
    }
    if ((await street.lane(this.channel)).barrier !== 'closed') await platform.act(this.channel, 'close').catch(() => {});
    await this.until((state) => state.barrier === 'closed', 4);
    this.newDriver();
    this.lock();
  }

  until(fits, seconds) {
    if (this.state && fits(this.state)) return Promise.resolve(this.state);
    return new Promise((done, fail) => {
      const look = () => { if (fits(this.state)) { clearTimeout(timer); this.waiters.delete(look); done(this.state); } };
      const timer = setTimeout(() => { this.waiters.delete(look); fail(new Error('time is up')); }, seconds * 1000);
      this.waiters.add(look);
    });
  }

  // The phone

  /** What the driver does: point the phone at the code. The page that opens is the hub's own. */
  async scan(at = this) {
    this.used = true;
    this.fresh = this.driver;
    this.earlier = this.#newest();
    const app = this.app.value;
    const query = { [at.name]: at.code, phone: app === 'other' ? `x${this.number}${++drivers}` : `p${this.number}` };
    if (app !== 'other') Object.assign(query, { app, driver: this.driver });
    return this.#open(hub.page(at.entryUrl.pathname, query));
  }

  /** Inside the lot: the prepay code that hangs at the lifts. */
  scanInside() {
    this.#whoDrives();
    this.used = true;
    const url = new URL(lot.prepay_url);
    const app = this.app.value === 'other' ? 'wechat' : this.app.value;
    return this.#open(hub.page(url.pathname, { p: url.searchParams.get('p'), phone: `p${this.number}`, app, driver: this.driver }));
  }

  /** The phone of this driver shows what it was told a stay costs. */
  async showBill(asked, driver) {
    this.driver = driver;
    const app = this.app.value === 'other' ? 'wechat' : this.app.value;
    await this.#open(hub.page(this.entryUrl.pathname, { p: this.code, phone: `p${this.number}`, app, driver }));
    return this.#open(hub.page(`/bills/${asked.scan_id}`, { phone: `p${this.number}` }));
  }

  /** The whole scan in one go: for what one can try with one click. */
  async scanNow() {
    await this.scan();
    return this.confirm();
  }

  /** As the button on the phone would. Not `alone` at the lane, which scan is whose shows at its end. */
  async confirm(at = this, { alone = true } = {}) {
    const known = new Set(this.trail.entries.map((entry) => entry.scanId));
    const asked = hub.scan(at.channel, this.driver, this.app.value === 'other' ? 'wechat' : this.app.value);
    const show = (scanId) => this.#open(hub.page(`/${at.out ? 'bills' : 'scans'}/${scanId}`, { phone: `p${this.number}` }));
    let shown = '';
    const mine = (entry) => entry.lane === at.channel && !known.has(entry.scanId) && !entry.claimed;
    if (alone) this.trail.until(mine, 4).then((entry) => { entry.claimed = true; shown = entry.scanId; return show(shown); }).catch(() => {});
    const result = await asked;
    if (result.scan_id !== shown) await show(result.scan_id);
    return result;
  }

  lock() {
    this.frame.hidden = true;
    this.frame.removeAttribute('src');
    this.locked.hidden = false;
    this.fresh = '';
    this.#guide();
  }

  #open(url) {
    this.locked.hidden = true;
    this.frame.hidden = false;
    this.#guide();
    return new Promise((done) => {
      const loaded = () => { clearTimeout(timer); this.frame.removeEventListener('load', loaded); done(); };
      const timer = setTimeout(loaded, 4000);
      this.frame.addEventListener('load', loaded);
      this.frame.src = url;
    });
  }

  // Drawing

  show(state) {
    const before = this.state?.car ?? null;
    if (before === 'under' && state.car === null) this.passed = true;
    if (state.car !== null) this.passed = false;
    this.state = state;
    this.scene.show(state);
    this.lifts.textContent = state.lifts;
    this.mode.value = state.mode;
    if (this.camera && state.camera) this.camera.value = state.camera;
    if (this.out && before !== state.car) this.lookInside().then(() => this.#standsHere(state)).catch(() => {});
    this.#guide();
    for (const look of [...this.waiters]) look();
  }

  #newest() { return this.trail.entries.find((entry) => entry.lane === this.channel); }

  /** What can be done now, and what comes next. */
  #guide() {
    if (!this.state) return;
    const { car, barrier } = this.state;
    const up = barrier === 'open' || barrier === 'rising';
    const scanned = !this.frame.hidden;
    this.buttons.arrive.disabled = car !== null;
    this.buttons.scan.disabled = false;
    this.buttons.drive.disabled = !(car === 'loop' && up);
    this.buttons.back.disabled = car !== 'loop';
    this.buttons.follow.disabled = car === null;
    const asked = this.#newest();
    if (!this.out && asked?.licence && this.fresh === this.driver) remember(asked.licence, this.driver, this.app.value);
    const { shown, text } = asked && asked !== this.earlier ? asked : {};
    const attendant = shown === 'waiting' && text.includes('管理员');
    const next = car === null ? 'arrive' : car !== 'loop' ? '' : up ? 'drive' : !scanned ? 'scan' : attendant ? 'release' : '';
    const buttons = { ...this.buttons, release: this.keys.r };
    for (const [name, button] of Object.entries(buttons)) button.classList.toggle('next', name === next);
    this.lockScan.classList.toggle('next', next === 'scan');
    this.now.hidden = !next;
    if (next) this.now.replaceChildren(...buttons[next].cloneNode(true).childNodes);
    this.now.onclick = () => buttons[next].click();
    if (this.out) { this.hint.replaceChildren(both(...this.#hintOut(next, car, shown))); return; }
    this.hint.replaceChildren(both(...{
      arrive: this.passed ? ['✓ 车进去了。再来一辆？', 'The car is in. Another one?'] : ['① 先让一辆车开上地感。', 'First, bring a car onto the loop.'],
      scan: ['② 用手机扫车道上的码。', "Now scan the lane's code with the phone."],
      release: ['④ 司机在等。您是管理员，点“放行”。', 'The driver waits. You are the attendant: release.'],
      drive: ['④ 杆已抬起，开进去吧。', 'The arm is up: drive in.'],
    }[next] ?? (car === 'under' ? ['车正在通过。', 'The car is passing.']
      : !shown ? ['③ 在手机上点“确认入场”。', 'Press the button on the phone.']
        : shown === 'success' ? ['杆就要抬起。', 'The arm is about to rise.']
          : ['手机上写着怎么了、下一步做什么。', 'The phone says what happened, and what to do next.'])));
  }

  #hintOut(next, car, shown) {
    const ask = ['② 用手机扫出口的码；已缴费或免费的车，杆自己会抬。', "Scan the exit's code; who owes nothing is let out without."];
    return {
      arrive: this.passed ? ['✓ 车出去了，3.2 已上报。', 'The car is out, and BoLink was told.'] : ['① 选一辆场内的车，开到出口。', 'Choose a car inside and bring it to the exit.'],
      scan: ask,
      release: ['④ 管理员可以放行。', 'The attendant may let it out.'],
      drive: ['④ 杆已抬起，开出去吧。', 'The arm is up: drive out.'],
    }[next] ?? (car === 'under' ? ['车正在通过。', 'The car is passing.']
      : shown === 'price' ? ['③ 在手机上付款。', 'Pay on the phone.']
        : shown === 'paid' ? ['付好了，杆就要抬起。', 'Paid; the arm is about to rise.']
          : ['手机上写着怎么了、下一步做什么。', 'The phone says what happened, and what to do next.']);
  }

  #build() {
    const { channel, number } = this;
    const shift = number === 2 ? '⇧' : '';
    const act = (work, name) => () => work().catch((error) => this.say(name, error));
    // What a car and its driver do happens one after another, however fast the keys are.
    const inTurn = (work) => () => (this.turn = this.turn.catch(() => {}).then(work));
    const button = (zh, en, key, work, { alone = false } = {}) => {
      const made = make('button', { type: 'button', onclick: act(alone ? work : inTurn(work), t(zh, en)) });
      made.append(both(zh, en), ' ');
      if (key) made.append(make('kbd', { 'aria-hidden': 'true' }, shift + key));
      return made;
    };
    this.buttons = {
      arrive: button('来车', 'arrive', this.out ? 'E' : 'C', () => this.arrive()),
      scan: button('扫码', 'scan', this.out ? 'P' : 'S', () => this.scan().then(() => {
        this.frame.focus();
        this.frame.parentElement.scrollIntoView({ block: 'nearest' });
      })),
      drive: this.out ? button('开出去', 'drive out', 'O', () => this.drive()) : button('开进去', 'drive in', 'D', () => this.drive()),
      back: button('倒出', 'back out', this.out ? '' : 'B', () => this.backOut()),
      follow: button('后车跟进', 'tailgate', '', () => this.follow()),
    };
    const { arrive, scan, drive, back } = this.buttons;
    this.keys = this.out ? { e: arrive, p: scan, o: drive } : { c: arrive, s: scan, d: drive, b: back };
    this.scene = make('lane-scene');
    this.lifts = make('output', {}, '0');
    this.hint = make('p', { role: 'status' });
    this.now = make('button', { type: 'button', class: 'next' });
    this.mode = make('select', { onchange: () => act(() => street.put(channel, { mode: this.mode.value }), '道闸')() });
    for (const [value, zh, en] of MODES) this.mode.append(make('option', { value }, t(zh, en)));
    const hands = make('div', { class: 'hands', role: 'group', 'aria-label': `${channel} ${t('管理员', 'attendant')}` });
    hands.append(make('span', {}, both('管理员', 'the attendant')));
    for (const [verb, zh, en] of ACTS) {
      const made = button(zh, en, verb === 'release' && !this.out ? 'R' : '', () => platform.act(channel, verb), { alone: true });
      if (verb === 'release') this.keys.r = made;
      hands.append(made);
    }
    hands.append(make('label', {}, both('道闸', 'the barrier'), this.mode));
    const code = make('button', { type: 'button', class: 'quiet', onclick: () => this.sign(this) });
    code.append(both('入场码', 'sign'));
    code.hidden = this.out;
    const title = make('h2', { id: `lane-${channel}` }, make('span', { class: 'badge' }, channel));
    title.append(this.out ? both('出口', 'exit') : this.lane.policy === 'attendant' ? both('管理员放行', 'attended') : both('自动放行', 'automatic'));
    this.car = make('select', { onchange: () => this.out && this.lookInside().catch(() => {}) });
    this.prepay = button('场内先缴费', 'pay inside first', '', () => this.scanInside());
    const chosen = make('div', { class: 'chosen' }, make('label', {}, both(this.out ? '哪辆车' : '车牌', this.out ? 'which car' : 'plate'), this.car));
    if (this.out) {
      this.camera = make('select', { onchange: () => act(() => street.put(channel, { camera: this.camera.value }), t('摄像机', 'camera'))() });
      for (const [value, zh, en] of CAMERAS) this.camera.append(make('option', { value }, t(zh, en)));
      chosen.append(make('label', {}, both('摄像机', 'camera'), this.camera), this.prepay);
    } else {
      this.car.append(make('option', { value: '' }, t('无牌，扫码入场', 'none: scans to enter')), ...PLATES.map((plate) => make('option', { value: plate }, plate)));
    }
    const lifts = make('p', { class: 'lifts' }, both('抬杆次数', 'lifts'), ' ', this.lifts);
    const lane = make('section', { class: 'lane card', 'aria-labelledby': `lane-${channel}` },
      make('header', {}, title, lifts, code), this.scene, chosen, make('div', { class: 'drive' }, ...Object.values(this.buttons)), hands);

    this.app = make('select', { 'aria-label': `${channel} ${t('手机软件', 'app')}`, onchange: () => this.newDriver() });
    for (const [value, zh, en] of APPS) this.app.append(make('option', { value }, t(zh, en)));
    this.frame = make('iframe', { title: `${channel} ${t('司机的手机', "the driver's phone")}`, hidden: true });
    this.lockScan = make('button', { type: 'button', onclick: () => this.buttons.scan.click() });
    this.lockScan.append(both('扫一扫', 'scan the code'));
    this.locked = make('div', { class: 'lock' });
    this.locked.innerHTML = '<svg viewBox="0 0 48 48" aria-hidden="true"><path d="M5 16V5h11M32 5h11v11M43 32v11H32M16 43H5V32M5 24h38"/></svg>';
    const words = make('p');
    words.append(both('司机的手机', "the driver's phone"));
    this.locked.append(words, this.lockScan);
    const name = make('h3');
    name.append(both('手机', 'phone'));
    const phone = make('section', { class: 'phone card', 'aria-label': `${channel} ${t('手机', 'phone')}` },
      make('header', {}, name, this.app), make('div', { class: 'bezel' }, this.locked, this.frame));
    this.element = make('div', { class: 'row', 'data-lane': channel }, make('div', { class: 'guide' }, this.hint, this.now), lane, phone);
  }
}

export const reachable = !/^(127\.|localhost$|\[?::1)/.test(new URL(addresses.hub.url).hostname);
