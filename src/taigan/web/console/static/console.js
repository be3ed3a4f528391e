// What a page does by itself: parts that refresh, one event stream for all tabs of a browser, and keys. Every page works
// without it, except that it does not refresh.

const HEARD_WITHIN = 25000; // ms without a word of the stream after which it counts as cut
const POLL_EVERY = 10000; // ms between fetches while there is no stream
const CALL_EVERY = 1500; // ms within which what is said in two places calls once
const LEASE = 4000; // ms that a tab leads the others after its last word

const parts = new Set();
let pressed = null; // the part that a pointer is down on: what is under it must still be there when it comes up
for (const up of ['pointerup', 'pointercancel']) document.addEventListener(up, () => { pressed = null; }, true);
const lot = location.pathname.match(/^\/lots\/[^/]+/)?.[0] ?? document.body.dataset.lot;
const line = document.getElementById('live');
const TYPED = 'input:not([type=radio], [type=checkbox]), select, textarea'; // where keys are letters of a text

/** A part of the page that is fetched again when the thing it is about (`key`) has changed. */
class LivePart extends HTMLElement {
  connectedCallback() {
    parts.add(this);
    if (this.stands) return;
    this.stands = true;
    this.addEventListener('pointerdown', () => { pressed = this; });
    for (const left of ['pointerleave', 'focusout']) this.addEventListener(left, () => this.settle());
  }
  disconnectedCallback() { parts.delete(this); }

  wants(keys) { return keys.includes(this.getAttribute('key')); }

  async refresh() {
    if (this.fetching) { this.again = true; return; }
    this.fetching = true;
    try {
      const html = await fetched(this);
      if (html !== null) this.take(html);
    } finally {
      this.fetching = false;
      if (this.again) { this.again = false; this.refresh(); }
    }
  }

  /** Put the new content in place: what has the focus keeps it, what is open stays open, and in a list under the
   * pointer nothing moves. */
  take(html) {
    if (html === this.last) return;
    const focused = this.contains(document.activeElement) ? document.activeElement : null;
    const held = focused || this.matches(':hover');
    const next = document.createElement('template');
    next.innerHTML = html;
    const list = this.querySelector('ul'), newList = next.content.querySelector('ul');
    if (held && list?.querySelector('[data-key]')) {
      this.waiting = html;
      for (const old of list.querySelectorAll(':scope > [data-key]')) {
        const found = newList && [...newList.children].find((one) => one.dataset.key === old.dataset.key);
        if (found) { if (!old.contains(focused)) old.replaceWith(found); } else old.classList.add('gone');
        for (const one of found ? [] : old.querySelectorAll('button, a')) one.setAttribute('aria-disabled', 'true');
      }
      for (const fresh of newList ? [...newList.children] : []) {
        if (![...list.children].some((one) => one.dataset.key === fresh.dataset.key)) list.append(fresh);
      }
      return;
    }
    if (pressed === this || (held && this.querySelector('details[open]'))) { // somebody is about to choose from a menu
      this.waiting = html;
      return;
    }
    this.last = html;
    this.waiting = null;
    this.replaceChildren(next.content);
    stack(this);
    if (focused) this.stay(what(focused));
    announce();
  }

  /** The focus stays at what does the same as what had it; where nothing does, at the part, where Enter does nothing. */
  stay(did) {
    const same = [...this.querySelectorAll('a, button, summary, input, select')].find((one) => what(one) === did);
    if (!same) this.tabIndex = -1;
    (same ?? this).focus({preventScroll: true});
  }

  settle() {
    setTimeout(() => {
      if (!this.waiting || this.matches(':hover') || this.contains(document.activeElement)) return;
      const html = this.waiting;
      this.waiting = null;
      this.take(html);
    }, 50);
  }
}

/** What stands where a part comes from now; null where that cannot be had: the next word of the stream fetches again. */
async function fetched(part) {
  try {
    const answer = await fetch(part.getAttribute('src'), {headers: {'x-part': '1'}, cache: 'no-store'});
    if (answer.status === 401 || answer.status === 403) location.reload();
    return answer.ok ? await answer.text() : null;
  } catch { return null; }
}

/** Parts that are fetched together when all are. */
class LiveParts extends HTMLElement {
  async refresh() {
    const html = await fetched(this);
    if (html === null) return;
    const all = document.createElement('template');
    all.innerHTML = html;
    for (const next of all.content.querySelectorAll('live-part')) {
      const src = next.getAttribute('src');
      [...parts].find((part) => part.getAttribute('src') === src)?.take(next.innerHTML);
    }
  }
}
customElements.define('live-parts', LiveParts);

/** On a phone each row of a table is a block of its own, whose cells say what they are. */
function stack(within) {
  for (const table of within.querySelectorAll('table.rows:not(.sums, .blanks)')) {
    const heads = [...table.querySelectorAll('thead th')];
    const labels = heads.map((head) => (head.querySelector('.sr') ? '' : head.textContent.trim()));
    for (const cell of table.querySelectorAll('tbody td, tfoot td')) {
      cell.dataset.label = labels[cell.cellIndex] ?? '';
      cell.classList.toggle('full', !cell.dataset.label);
      cell.classList.toggle('nil', !cell.textContent.trim() && !cell.children.length);
    }
    table.classList.add('stacked');
  }
}
stack(document);

/** What a control does: its words, where it leads, and what it sends there. */
function what(control) {
  const sent = control.form ? [...new FormData(control.form)].map(([name, value]) => `${name}=${value}`) : [];
  const to = control.href ?? control.getAttribute('formaction') ?? control.form?.action ?? '';
  return [control.localName, control.textContent.trim(), to, ...sent].join(' ');
}
customElements.define('live-part', LivePart);

function refresh(keys) {
  const wanted = [...parts].filter((part) => !keys || part.wants(keys));
  for (const one of new Set(keys ? wanted : wanted.map((part) => part.closest('live-parts') ?? part))) one.refresh();
}

// The stream: one tab that is seen leads and passes on what it hears.
const me = Math.random().toString(36).slice(2);
const channel = 'BroadcastChannel' in window && lot ? new BroadcastChannel(`taigan ${lot}`) : null;
const leaseName = `taigan lead ${lot}`;
let stream = null, heard = Date.now(), cut = false;

function leader() {
  try {
    const [who, until] = (localStorage.getItem(leaseName) ?? '').split(' ');
    return who && Number(until) > Date.now() ? who : '';
  } catch { return ''; }
}

function lead() {
  const now = leader();
  if (now && now !== me) { hush(); return; }
  try { localStorage.setItem(leaseName, `${me} ${Date.now() + LEASE}`); } catch { /* private windows: each for itself */ }
  if (!stream) listen();
}

function listen() {
  stream = new EventSource(`${lot}/live`);
  stream.addEventListener('beat', () => tell({kind: 'beat'}));
  stream.addEventListener('changed', (event) => tell({kind: 'changed', keys: event.data.split('\n')}));
  stream.addEventListener('hello', () => tell({kind: 'hello'}));
  stream.addEventListener('error', () => {
    tell({kind: 'cut'});
    if (stream?.readyState === EventSource.CLOSED) { hush(); refresh(); } // refused: the parts say why
  });
}

function hush() {
  stream?.close();
  stream = null;
}

function tell(word) {
  take(word);
  channel?.postMessage(word);
}

function take(word) {
  if (word.kind === 'cut') { say(true); return; }
  heard = Date.now();
  if (word.kind === 'hello' || cut) { say(false); refresh(); return; }
  if (word.kind === 'changed') refresh(word.keys);
}

function say(isCut) {
  cut = isCut;
  if (line) line.hidden = !isCut;
}

if (lot && document.querySelector('live-part')) {
  channel?.addEventListener('message', (event) => take(event.data));
  const look = () => {
    if (document.hidden && !calls()) return;
    if (!channel) { if (!stream) listen(); } else lead();
    if (Date.now() - heard > HEARD_WITHIN) {
      heard = Date.now();
      say(true);
      hush();
    }
  };
  look();
  setInterval(look, LEASE / 4);
  setInterval(() => { if (cut && !document.hidden) refresh(); }, POLL_EVERY);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden && calls()) return; // who asked to be called is told whatever stands in front
    if (document.hidden) {
      hush();
      try { if (leader() === me) localStorage.removeItem(leaseName); } catch { /* nothing kept */ }
    } else { heard = Date.now(); refresh(); look(); }
  });
  window.addEventListener('offline', () => tell({kind: 'cut'}));
  window.addEventListener('online', () => { hush(); look(); });
  window.addEventListener('pagehide', () => {
    hush();
    try { if (leader() === me) localStorage.removeItem(leaseName); } catch { /* nothing kept */ }
  });
}

// What needs a person: in the title, by a sound once the browser lets us, by its notifications where they are wanted.
let needed = null, called = 0;
const title = document.title;
function announce() {
  const counts = ['.attention .count', '.alarm-count .count']
    .map((where) => parseInt(document.querySelector(where)?.textContent, 10) || 0);
  const shown = document.querySelector('.attention') ? counts[0] : counts[1]; // the lanes' list has the alarms in it
  document.title = shown ? `(${shown}) ${title}` : title;
  const more = needed !== null && counts.some((count, index) => count > needed[index]);
  needed = counts;
  if (more && bell() !== '0' && Date.now() - called > CALL_EVERY) { called = Date.now(); sound(); call(); }
}

/** What this browser was told: '1' sounds and notifications, '0' neither, '' sounds alone. */
function bell() {
  try { return localStorage.getItem('taigan bell') ?? ''; } catch { return ''; }
}

/** Whether somebody is to be called from behind other windows. */
function calls() {
  return bell() === '1' && 'Notification' in window && Notification.permission === 'granted';
}

function call() {
  if (!calls() || !document.hidden) return;
  const entry = document.querySelector('.alarm-count')?.closest('a');
  const shown = new Notification(entry?.innerText.replace(/\s+/g, ' ').trim() || title, {body: title, tag: 'taigan'});
  shown.addEventListener('click', () => { window.focus(); if (entry) location.href = entry.href; });
}

/** The button that asks for sound and notifications, or ends them. */
class AlarmBell extends HTMLElement {
  connectedCallback() {
    this.button = document.createElement('button');
    this.button.type = 'button';
    this.button.className = 'plain';
    this.button.addEventListener('click', () => this.turn());
    this.line = document.createElement('span');
    this.line.className = 'quiet';
    this.line.setAttribute('role', 'status');
    this.replaceChildren(this.line, this.button);
    this.hidden = false;
    this.show();
  }

  async turn() {
    const on = bell() !== '1';
    try { localStorage.setItem('taigan bell', on ? '1' : '0'); } catch { /* private windows forget */ }
    if (on) {
      sound();
      if ('Notification' in window && Notification.permission === 'default') await Notification.requestPermission();
    }
    this.show();
  }

  show() {
    const on = bell() === '1';
    this.button.textContent = on ? this.dataset.off : this.dataset.on;
    this.line.textContent = on && !calls() ? this.dataset.refused : '';
  }
}
customElements.define('alarm-bell', AlarmBell);

function sound() {
  try {
    const audio = new AudioContext(), tone = audio.createOscillator(), loud = audio.createGain();
    tone.frequency.value = 660;
    loud.gain.setValueAtTime(0.15, audio.currentTime);
    loud.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
    tone.connect(loud).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.5);
    tone.onended = () => audio.close();
  } catch { /* no sound here */ }
}
if (document.querySelector('.attention, .alarm-count')) announce();

// Keys: / finds, 1–9 choose, ? tells which keys there are, arrows move in a menu. No letter does anything, and nothing
// happens while somebody types.
const keys = document.getElementById('keys');
document.addEventListener('keydown', (event) => {
  const menu = event.target.closest?.('details.more');
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest?.(TYPED)) return;
  if (event.key === '/') {
    const find = document.querySelector('input[name="q"]');
    if (find) { event.preventDefault(); find.focus(); find.select(); } else if (lot) { location.href = `${lot}/stays`; }
  }
  if (event.key === '?' && keys && !keys.open) { event.preventDefault(); show(keys); }
  if (/^[1-9]$/.test(event.key) && !keys?.open) choose(document.querySelector(`[data-choice="${event.key}"]`));
  if (event.key === 'Escape') closeMenus();
  if (menu && /^Arrow(Down|Up)$/.test(event.key)) {
    event.preventDefault();
    menu.open = true;
    const items = [...menu.querySelectorAll('.item')], step = event.key === 'ArrowDown' ? 1 : -1;
    const at = items.indexOf(event.target);
    items.at(at < 0 ? (step > 0 ? 0 : -1) : (at + step) % items.length)?.focus();
  }
});
for (const opener of document.querySelectorAll('[data-opens]')) {
  const shown = document.getElementById(opener.dataset.opens);
  opener.hidden = false;
  opener.addEventListener('click', () => show(shown));
  shown.querySelector('button').addEventListener('click', () => shown.close());
}

/** Shows a dialog. What it covers may be fetched anew meanwhile: then the focus goes back to what does the same. */
function show(dialog) {
  const before = document.activeElement, part = before.closest('live-part'), did = what(before);
  dialog.onclose = () => { // told late: it may be open again by then
    if (!dialog.open && !before.isConnected) part?.stay(did);
  };
  dialog.showModal();
}

function choose(one) {
  one?.focus();
  if (one?.type === 'radio') one.checked = true;
}

/** Close menus but the one that `target` is in; who was in one is back at what opened it. */
function closeMenus(target = null) {
  for (const one of document.querySelectorAll('details.more[open]')) {
    if (target && one.contains(target)) continue;
    if (!target && one.contains(document.activeElement)) one.querySelector('summary').focus();
    one.open = false;
  }
}
document.addEventListener('click', (event) => {
  if (event.target.closest('[aria-disabled="true"]')) event.preventDefault(); // it is gone
  closeMenus(event.target);
});
document.addEventListener('focusin', (event) => closeMenus(event.target));
// What an act came to is read out, and the next Tab goes on from there.
const said = document.querySelector('main > .said[role]:first-child, .said[role=alert]');
if (said && !document.querySelector('[autofocus]')) { said.tabIndex = -1; said.focus({preventScroll: true}); }
// Cash: what is typed takes the place of what is due, and the change is told while it is typed.
for (const line of document.querySelectorAll('[data-change-of]')) {
  const given = document.getElementById(line.dataset.changeOf), change = line.querySelector('output');
  const count = () => {
    const fen = Math.round(Number(given.value.trim().replace(/^[¥￥]/, '')) * 100) - Number(line.dataset.due);
    change.value = fen >= 0 ? (fen / 100).toFixed(2) : '–';
  };
  given.addEventListener('focus', () => given.select());
  given.addEventListener('input', count);
  if (document.activeElement === given) given.select();
  count();
  line.hidden = false;
}
// A form is sent once.
document.addEventListener('submit', (event) => {
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  if (event.target.method === 'post') event.target.dataset.sent = '1';
});
window.addEventListener('pageshow', (event) => {
  if (event.persisted) for (const form of document.forms) delete form.dataset.sent;
});
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}
