// The demo page: builds the lanes, follows the three sides, and lets a person play.

import { Row, reachable } from './row.js';
import { Refused, addresses, hub, lot, platform } from './sides.js';
import { Trail } from './trail.js';
import { TRIES } from './tries.js';
import { FAULTS, both, make } from './words.js';

const $ = (id) => document.getElementById(id);
const trail = new Trail($('trail'), $('trail-empty'), $('newest'));
const entries = lot.lanes.filter((lane) => lane.direction === 'entry' && lane.entry_url).slice(0, 2);
const rows = entries.map((lane, n) => new Row(lane, n + 1, { trail, say: complain, sign: showSign }));

// Lanes

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

function showSecond(shown) {
  if (!rows[1]) return;
  rows[1].element.hidden = !shown;
  rows[1].toggle();
}

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, dialog')) return;
  const row = event.shiftKey ? rows[1] : rows[0];
  const button = row?.keys[event.key.toLowerCase()];
  if (button && !event.repeat) {
    if (event.shiftKey) showSecond(true);
    if (!button.disabled) button.click();
    event.preventDefault();
  }
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
  if (state.lot_id === lot.lot_id) rows.find((row) => row.channel === state.channel_id)?.show(state);
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
  } catch { /* a side is down; its lamp says so */ }
}

// Faults

const chips = FAULTS.map((fault) => {
  const chip = make('button', { type: 'button', 'aria-pressed': 'false', onclick: () => flip(fault, chip).catch((error) => complain(fault.zh, error)) });
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

TRIES.forEach((one, n) => {
  const button = make('button', { type: 'button', onclick: () => play(one, button) }, make('span', { class: 'n', 'aria-hidden': 'true' }, String(n + 1)), make('b', {}, one.zh), make('span', { lang: 'en' }, one.en));
  $('tries').append(make('li', {}, button));
});

let playing = false;
async function play(one, button) {
  if (playing) return;
  playing = true;
  button.setAttribute('aria-busy', 'true');
  const said = (zh, en, verdict = '') => {
    $('told').hidden = false;
    $('told').className = `told ${verdict}`;
    $('told').replaceChildren(both(zh, en));
  };
  try {
    const cast = one.lanes.map((number) => rows[number - 1]).filter(Boolean);
    if (one.lanes.includes(2)) showSecond(true);
    const [ok, zh, en] = await one.play(cast, said);
    said(`${ok ? '✓ ' : '✕ '}${zh}`, en, ok ? 'good' : 'bad');
  } catch (error) {
    said(`✕ 没有走完：${error.message}`, 'it did not come to its end', 'bad');
    await hub.setFaults([]).catch(() => {});
  } finally {
    playing = false;
    button.removeAttribute('aria-busy');
  }
}

// The sign of a lane, for a real phone

function showSign(row) {
  $('sign-title').replaceChildren(make('span', { class: 'badge' }, row.channel), ' ', both('入场码', 'the code at the lane'));
  $('sign-image').src = platform.sign(row.channel, 'format=svg&size=screen');
  $('sign-image').alt = `${row.channel} 入场码 code`;
  $('sign-note').replaceChildren(reachable
    ? both('用手机（同一网络）扫这个码，就是一位真司机。页面上的车先开上地感。', 'Scan it with a phone in the same network and you are the driver. Put a car on the loop first.')
    : both('现在只有本机能打开。要用真手机扫，请这样启动：make demo HOST=0.0.0.0', 'Only this machine can open it now. For a real phone start with: make demo HOST=0.0.0.0'));
  $('sign-links').replaceChildren(...[['PDF A4', 'format=pdf'], ['PNG A4', 'format=png'], ['SVG A4', 'format=svg'], ['PNG 屏幕 screen', 'format=png&size=screen']]
    .map(([name, query]) => make('li', {}, make('a', { class: 'button', href: platform.sign(row.channel, query), target: '_blank' }, name))));
  $('sign').showModal();
}

// What could not be done

const REASONS = [[/nobody waits/i, '没有人在等放行'], [/does not answer|unreachable/i, '那一方没有回音'], [/barrier/i, '道闸没有照办'], [/car|loop|arm/i, '现在做不到']];
let fading = 0;
function complain(what, error) {
  if (!(error instanceof Refused) && !(error instanceof TypeError)) console.error(error);
  const why = REASONS.find(([words]) => words.test(error.message))?.[1] ?? '没做成';
  $('toast').replaceChildren(both(`${what}：${why}。`, error.message));
  $('toast').hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { $('toast').hidden = true; }, 6000);
}

$('clear').onclick = () => trail.clear();
document.querySelectorAll('dialog').forEach((dialog) => dialog.addEventListener('click', (event) => event.target === dialog && dialog.close()));
$('addresses').append('泊链 ', make('a', { href: hub.page('/', {}) }, addresses.hub.url), ' · 车场 ', addresses.lot.url, ' · 车道 ', addresses.lanes.url);
look();
trail.recall(2).catch(() => {});
