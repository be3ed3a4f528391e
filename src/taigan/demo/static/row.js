// One lane with its phone: what one sees, and what one can do.

import './lane.js';
import { addresses, hub, platform, street } from './sides.js';
import { MODES, both, make } from './words.js';

const APPS = [['wechat', '微信', 'WeChat'], ['alipay', '支付宝', 'Alipay'], ['other', '其他软件', 'another app']];
const ACTS = [['release', '放行', 'release'], ['refuse', '不放行', 'refuse'], ['open', '抬杆', 'raise'], ['hold', '常开', 'hold open'], ['close', '落杆', 'lower']];
let drivers = 0;

export class Row {
  constructor(lane, number, { trail, say, sign }) {
    Object.assign(this, { lane, number, trail, say, sign, channel: lane.channel_id, state: null, waiters: new Set() });
    this.entryUrl = new URL(lane.entry_url);
    this.code = this.entryUrl.searchParams.get('code');
    this.newDriver();
    this.#build();
    trail.listeners.add(() => this.#guide());
  }

  newDriver() {
    this.driver = `car${Date.now().toString(36)}${++drivers}`;
    this.used = false;
  }

  // Doors of the street

  async arrive() {
    if (this.used) this.newDriver();
    await street.put(this.channel, { car: 'arrives' });
    if (this.fresh !== this.driver) this.lock();
  }

  drive() { return street.put(this.channel, { car: 'passes' }); }
  backOut() { return street.put(this.channel, { car: 'backs_out' }); }
  follow() { return street.put(this.channel, { car: 'second_car' }); }

  /** As at the start of a day: no car, the arm down, no faults. */
  async reset() {
    await street.put(this.channel, { mode: 'ok' });
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
    const query = { code: at.code, phone: app === 'other' ? `x${this.number}${++drivers}` : `p${this.number}` };
    if (app !== 'other') Object.assign(query, { app, driver: this.driver });
    return this.#open(hub.page(this.entryUrl.pathname, query));
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
    const show = (scanId) => this.#open(hub.page(`/scans/${scanId}`, { phone: `p${this.number}` }));
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
    const { shown, text } = asked && asked !== this.earlier ? asked : {};
    const attendant = shown === 'waiting' && text.includes('管理员');
    const next = car === null ? 'arrive' : car !== 'loop' ? '' : up ? 'drive' : !scanned ? 'scan' : attendant ? 'release' : '';
    const buttons = { ...this.buttons, release: this.keys.r };
    for (const [name, button] of Object.entries(buttons)) button.classList.toggle('next', name === next);
    this.lockScan.classList.toggle('next', next === 'scan');
    this.now.hidden = !next;
    if (next) this.now.replaceChildren(...buttons[next].cloneNode(true).childNodes);
    this.now.onclick = () => buttons[next].click();
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

  #build() {
    const { channel, number } = this;
    const shift = number > 1 ? '⇧' : '';
    const act = (work, name) => () => work().catch((error) => this.say(name, error));
    const button = (zh, en, key, work) => {
      const made = make('button', { type: 'button', onclick: act(work, zh) });
      made.append(both(zh, en), ' ');
      if (key) made.append(make('kbd', { 'aria-hidden': 'true' }, shift + key));
      return made;
    };
    this.buttons = {
      arrive: button('来车', 'arrive', 'C', () => this.arrive()),
      scan: button('扫码', 'scan', 'S', () => this.scan().then(() => {
        this.frame.focus();
        this.frame.parentElement.scrollIntoView({ block: 'nearest' });
      })),
      drive: button('开进去', 'drive in', 'D', () => this.drive()),
      back: button('倒出', 'back out', 'B', () => this.backOut()),
      follow: button('后车跟进', 'tailgate', '', () => this.follow()),
    };
    this.keys = { c: this.buttons.arrive, s: this.buttons.scan, d: this.buttons.drive, b: this.buttons.back };
    this.scene = make('lane-scene');
    this.lifts = make('output', {}, '0');
    this.hint = make('p', { role: 'status' });
    this.now = make('button', { type: 'button', class: 'next' });
    this.mode = make('select', { onchange: () => act(() => street.put(channel, { mode: this.mode.value }), '道闸')() });
    for (const [value, zh, en] of MODES) this.mode.append(make('option', { value }, `${zh} ${en}`));
    const hands = make('div', { class: 'hands', role: 'group', 'aria-label': `${channel} 管理员 attendant` });
    hands.append(make('span', {}, both('管理员', 'the attendant')));
    for (const [verb, zh, en] of ACTS) {
      const made = button(zh, en, verb === 'release' ? 'R' : '', () => platform.act(channel, verb));
      if (verb === 'release') this.keys.r = made;
      hands.append(made);
    }
    hands.append(make('label', {}, both('道闸', 'the barrier'), this.mode));
    const code = make('button', { type: 'button', class: 'quiet', onclick: () => this.sign(this) });
    code.append(both('入场码', 'sign'));
    const title = make('h2', { id: `lane-${channel}` }, make('span', { class: 'badge' }, channel));
    title.append(this.lane.policy === 'attendant' ? both('管理员放行', 'attended') : both('自动放行', 'automatic'));
    const lifts = make('p', { class: 'lifts' }, both('抬杆次数', 'lifts'), ' ', this.lifts);
    const lane = make('section', { class: 'lane card', 'aria-labelledby': `lane-${channel}` },
      make('header', {}, title, lifts, code), this.scene, make('div', { class: 'drive' }, ...Object.values(this.buttons)), hands);

    this.app = make('select', { 'aria-label': `${channel} 手机软件 app`, onchange: () => this.newDriver() });
    for (const [value, zh, en] of APPS) this.app.append(make('option', { value }, `${zh} ${en}`));
    this.frame = make('iframe', { title: `${channel} 司机的手机 the driver's phone`, hidden: true });
    this.lockScan = make('button', { type: 'button', onclick: () => this.buttons.scan.click() });
    this.lockScan.append(both('扫一扫', 'scan the code'));
    this.locked = make('div', { class: 'lock' });
    this.locked.innerHTML = '<svg viewBox="0 0 48 48" aria-hidden="true"><path d="M5 16V5h11M32 5h11v11M43 32v11H32M16 43H5V32M5 24h38"/></svg>';
    const words = make('p');
    words.append(both('司机的手机', "the driver's phone"));
    this.locked.append(words, this.lockScan);
    const name = make('h3', { id: `phone-${channel}` });
    name.append(both('手机', 'phone'));
    const phone = make('section', { class: 'phone card', 'aria-labelledby': `phone-${channel}` },
      make('header', {}, name, this.app), make('div', { class: 'bezel' }, this.locked, this.frame));
    this.element = make('div', { class: 'row', 'data-lane': channel }, make('div', { class: 'guide' }, this.hint, this.now), lane, phone);
  }
}

export const reachable = !/^(127\.|localhost$|\[?::1)/.test(new URL(addresses.hub.url).hostname);
