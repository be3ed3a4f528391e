// The demo page: builds the lanes, follows the three sides, and lets a person play.

import { Row, reachable } from './row.js';
import { Curve } from './curve.js';
import { Refused, addresses, hub, lot, platform, time } from './sides.js';
import { Trail } from './trail.js';
import { LEAVING, TRIES } from './tries.js';
import { FAULTS, both, language, make, speak, t } from './words.js';

speak();

const $ = (id) => document.getElementById(id);
const trail = new Trail($('trail'), $('trail-empty'), $('newest'));
const entries = lot.lanes.filter((lane) => lane.direction === 'entry' && lane.entry_url).slice(0, 2);
const rows = entries.map((lane, n) => new Row(lane, n + 1, { trail, say: complain, sign: showSign }));

// Lanes

const exits = lot.lanes.filter((lane) => lane.direction === 'exit' && lane.exit_url).slice(0, 1);
const out = exits.map((lane) => new Row(lane, 3, { trail, say: complain, sign: showSign }))[0];

$('rows').append(...rows.map((row) => row.element));
rows.slice(1).forEach((row) => { row.element.hidden = true; });
if (rows.length > 1) {
  const more = make('button', { type: 'button', 'aria-expanded': 'false' });
  const label = () => more.replaceChildren(rows[1].element.hidden
    ? both('＋ 第二条车道，两辆车一起玩', 'a second lane, to play two cars at once') : both('－ 收起第二条车道', 'hide the second lane'));
  more.onclick = () => { showSecond(rows[1].element.hidden); };
  label();
  $('rows').append(more);
  rows[1].toggle = () => { more.setAttribute('aria-expanded', String(!rows[1].element.hidden)); label(); };
}

if (out) {
  const curve = new Curve();
  $('rows').append(out.element, curve.element);
  out.curve = curve;
  out.lookInside().catch(() => {});
}

function showSecond(shown) {
  if (!rows[1]) return;
  rows[1].element.hidden = !shown;
  rows[1].toggle();
}

function press(key, shift) {
  const button = (shift ? rows[1] : rows[0])?.keys[key] ?? (shift ? null : out?.keys[key]);
  if (!button) return false;
  if (shift) showSecond(true);
  if (!button.disabled) button.click();
  return true;
}

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, dialog')) return;
  if (!event.repeat && press(event.key.toLowerCase(), event.shiftKey)) event.preventDefault();
});
// The phones are pages of the hub's: what is pressed there, outside of their fields, they pass on.
addEventListener('message', (event) => {
  const phones = [...rows, ...(out ? [out] : [])].map((row) => row.frame.contentWindow);
  if (phones.includes(event.source) && typeof event.data?.key === 'string') press(event.data.key.toLowerCase(), Boolean(event.data.shift));
});

// Sides

const lamps = Object.fromEntries([...document.querySelectorAll('[data-side]')].map((item) => [item.dataset.side, item]));
const data = (event) => JSON.parse(event.data);
const stream = new EventSource('events');
stream.addEventListener('up', (event) => { lamps[data(event)]?.classList.add('up'); });
stream.addEventListener('down', (event) => { lamps[data(event)]?.classList.remove('up'); });
stream.onerror = () => Object.values(lamps).forEach((lamp) => lamp.classList.remove('up'));
stream.addEventListener('lanes', (event) => {
  const state = data(event);
  if (state.lot_id === lot.lot_id) [...rows, ...(out ? [out] : [])].find((row) => row.channel === state.channel_id)?.show(state);
});
stream.addEventListener('hub', (event) => { trail.ofHub(data(event)); soon(); });
stream.addEventListener('lot', (event) => { trail.ofLot(data(event)); soon(); });

let looking = 0;
function soon() {
  looking ||= setTimeout(() => { looking = 0; look(); }, 300);
}

async function look() {
  try {
    const { spaces_free } = await platform.lot();
    $('spaces').textContent = spaces_free.toLocaleString('en');
    drawFaults(await hub.faults());
    out?.lookInside().catch(() => {});
  } catch { /* a side is down; its lamp says so */ }
}

// Faults

const chips = FAULTS.map((fault) => {
  const chip = make('button', { type: 'button', 'aria-pressed': 'false', onclick: () => flip(fault, chip).catch((error) => complain(t(fault.zh, fault.en), error)) });
  chip.append(both(fault.zh, fault.en));
  $('faults').append(chip);
  return [fault, chip];
});

async function flip(fault, chip) {
  const others = (await hub.faults()).filter((known) => known.kind !== fault.kind);
  const on = chip.getAttribute('aria-pressed') === 'true';
  drawFaults((await hub.setFaults(on ? others : [...others, { kind: fault.kind, times: fault.always ? null : 1 }])).faults);
}

function drawFaults(faults) {
  for (const [fault, chip] of chips) chip.setAttribute('aria-pressed', String(faults.some((known) => known.kind === fault.kind)));
}

// Five things to try

for (const [list, stories] of [['tries', TRIES], ['leaving', out ? LEAVING : []]]) stories.forEach((one, n) => {
  const button = make('button', { type: 'button', onclick: () => play(one, button) }, make('span', { class: 'n', 'aria-hidden': 'true' }, String(n + 1)), make('b', {}, t(one.zh, one.en)));
  $(list).append(make('li', {}, button));
});

let playing = false;
async function play(one, button) {
  if (playing) return;
  playing = true;
  document.body.classList.add('playing');
  button.setAttribute('aria-busy', 'true');
  const said = (zh, en, verdict = '') => {
    $('told').hidden = false;
    $('told').className = `told ${verdict}`;
    $('told').replaceChildren(both(zh, en));
  };
  try {
    const cast = one.lanes.map((number) => (number === 3 ? out : rows[number - 1])).filter(Boolean);
    cast[0].element.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    if (one.lanes.includes(2)) showSecond(true);
    const [ok, zh, en] = await one.play(cast, said);
    said(`${ok ? '✓ ' : '✕ '}${zh}`, `${ok ? '✓ ' : '✕ '}${en}`, ok ? 'good' : 'bad');
  } catch (error) {
    said(`✕ 没有走完：${error.message}`, `✕ it did not come to its end: ${error.message}`, 'bad');
    await hub.setFaults([]).catch(() => {});
  } finally {
    playing = false;
    document.body.classList.remove('playing');
    button.removeAttribute('aria-busy');
  }
}

// A story that is left half-way leaves nothing switched on.
addEventListener('pagehide', () => {
  if (!playing) return;
  fetch('hub/admin/faults', { method: 'PUT', keepalive: true, headers: { 'Content-Type': 'application/json' }, body: '{"faults":[]}' });
});

// The time of all three sides

let ahead = 0;
const drawTime = () => { $('now').textContent = new Date(Date.now() + ahead * 1000).toLocaleString(language, { timeZone: 'Asia/Shanghai', month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false }); };
const tell = (said) => { ahead = said.ahead; drawTime(); if (out) out.curve.at(Date.now() + ahead * 1000); };
export async function forward(seconds) { tell(await time.forward(seconds)); }
for (const [seconds, zh, en] of [[600, '＋10 分钟', '+10 min'], [3600, '＋1 小时', '+1 h'], [10800, '＋3 小时', '+3 h'], [86400, '＋1 天', '+1 day']]) {
  const button = make('button', { type: 'button', onclick: () => forward(seconds).catch((error) => complain(t('快进', 'forward'), error)) });
  button.append(both(zh, en));
  $('forward').append(button);
}
time.now().then(tell).catch(() => {});
setInterval(drawTime, 5000);

// The sign of a lane, for a real phone

function showSign(row) {
  $('sign-title').replaceChildren(make('span', { class: 'badge' }, row.channel), ' ', both('入场码', 'the code at the lane'));
  $('sign-image').src = platform.sign(row.channel, 'format=svg&size=screen');
  $('sign-image').alt = `${row.channel} ${t('入场码', 'code')}`;
  $('sign-note').replaceChildren(reachable
    ? both('用手机（同一网络）扫这个码，就是一位真司机。页面上的车先开上地感。', 'Scan it with a phone in the same network and you are the driver. Put a car on the loop first.')
    : both('现在只有本机能打开。要用真手机扫，请这样启动：make demo HOST=0.0.0.0', 'Only this machine can open it now. For a real phone start with: make demo HOST=0.0.0.0'));
  $('sign-links').replaceChildren(...[['PDF A4', 'format=pdf'], ['PNG A4', 'format=png'], ['SVG A4', 'format=svg'], [t('PNG 屏幕', 'PNG screen'), 'format=png&size=screen']]
    .map(([name, query]) => make('li', {}, make('a', { class: 'button', href: platform.sign(row.channel, query), target: '_blank' }, name))));
  $('sign').showModal();
}

// What could not be done

const REASONS = [[/nobody waits/i, '没有人在等放行'], [/does not answer|unreachable/i, '那一方没有回音'], [/barrier/i, '道闸没有照办'], [/car|loop|arm/i, '现在做不到']];
let fading = 0;
function complain(what, error) {
  if (!(error instanceof Refused) && !(error instanceof TypeError)) console.error(error);
  const why = REASONS.find(([words]) => words.test(error.message))?.[1] ?? '没做成';
  $('toast').replaceChildren(both(`${what}：${why}。`, `${what}: ${error.message}`));
  $('toast').hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { $('toast').hidden = true; }, 6000);
}

$('clear').onclick = () => trail.clear();
document.querySelectorAll('dialog').forEach((dialog) => dialog.addEventListener('click', (event) => event.target === dialog && dialog.close()));
$('other-language').href = `?lang=${language === 'en' ? 'zh-CN' : 'en'}`;
$('other-language').textContent = t('English', '中文');
$('other-language').lang = language === 'en' ? 'zh-CN' : 'en';
$('console').href = `${addresses.lot.url}/`;
$('console').title = `${addresses.console.login} / ${addresses.console.password}`;
$('addresses').append(t('泊链 ', 'BoLink '), make('a', { href: hub.page('/', {}) }, addresses.hub.url), t(' · 车场 ', ' · lot '), addresses.lot.url, t(' · 值班台 ', ' · console '), make('a', { href: `${addresses.lot.url}/`, target: '_blank' }, `${addresses.console.login} / ${addresses.console.password}`), t(' · 车道 ', ' · lanes '), addresses.lanes.url);
look();
trail.recall(2).catch(() => {});
