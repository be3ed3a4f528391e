// The lane as one sees it from the side: car, loop, arm, board. Draws the state that the simulated lanes report.

import { t } from './words.js';

const PLACES = { away: -190, waiting: -62, loop: 122, under: 300, gone: 600 };

const CAR = (id, second) => `
  <g class="scene-car still" data-car="${id}" transform="translate(${PLACES.away} 0)" style="transform:translateX(${PLACES.away}px)">
    <path class="scene-body${second ? ' second' : ''}" d="M4 190v-22q0-8 9-10l22-4 20-22q5-6 14-6h34q9 0 15 6l18 21 18 5q9 3 9 12v20z"/>
    <path class="scene-glass" d="M48 152l15-17q3-4 8-4h14v21zM93 131h11q5 0 9 4l13 17H93z"/>
    <circle cx="40" cy="190" r="15" fill="#1b2229"/><circle cx="40" cy="190" r="6" fill="#c8d0d8"/>
    <circle cx="126" cy="190" r="15" fill="#1b2229"/><circle cx="126" cy="190" r="6" fill="#c8d0d8"/>
    <text class="scene-plate" x="84" y="181" text-anchor="middle" data-plate></text>
  </g>`;

const SCENE = `
<svg viewBox="0 0 520 240" role="img" aria-label="">
  <rect class="scene-board" x="16" y="14" width="262" height="66" rx="8"/>
  <text class="scene-led" x="28" y="42" data-led="0"></text><text class="scene-led" x="28" y="68" data-led="1"></text>
  <rect class="scene-post" x="30" y="80" width="7" height="110"/>
  <rect class="scene-road" y="190" width="520" height="50"/>
  <line class="scene-line" x1="0" y1="232" x2="520" y2="232"/>
  <ellipse class="scene-loop" cx="208" cy="212" rx="92" ry="11"/>
  <text class="scene-label on-road" x="208" y="217" text-anchor="middle">${t('地感', 'loop')}</text>
  ${CAR('second', true)}${CAR('first', false)}
  <g class="scene-arm"><rect x="302" y="123" width="116" height="10" rx="5" fill="#fff" stroke="#c33"/>
    <path d="M316 124h20v8h-20zM350 124h20v8h-20zM384 124h18v8h-18z" fill="#d22"/></g>
  <rect class="scene-post" x="406" y="112" width="28" height="84" rx="6"/><circle class="scene-lamp" cx="420" cy="128" r="7"/>
  <text class="scene-label" x="440" y="150" data-arm></text>
</svg>`;

const ARM = { closed: t('落下', 'down'), rising: t('抬起中', 'rising'), open: t('抬起', 'up'), falling: t('下落中', 'falling') };
const CAR_WORDS = { none: t('没有车', 'no car'), loop: t('车在地感上', 'car on the loop'), under: t('车在杆下', 'car under the arm') };

export class LaneScene extends HTMLElement {
  #state = null;
  #runs = 0;

  connectedCallback() {
    this.innerHTML = SCENE;
    this.first = this.querySelector('[data-car=first]');
    this.second = this.querySelector('[data-car=second]');
  }

  /** Draw `{barrier, car, screen, queued}`; a car that went through drives on, one that backed out rolls back. */
  show(state) {
    const before = this.#state;
    this.#state = state;
    const up = state.barrier === 'open' || state.barrier === 'rising';
    this.querySelector('.scene-arm').classList.toggle('up', up);
    this.querySelector('.scene-lamp').classList.toggle('go', up);
    this.querySelector('.scene-loop').classList.toggle('on', state.car === 'loop');
    this.querySelector('[data-arm]').textContent = ARM[state.barrier];
    const [one, two] = lines(state.screen || '');
    this.querySelector('[data-led="0"]').textContent = one;
    this.querySelector('[data-led="0"]').setAttribute('y', two ? 42 : 54);
    this.querySelector('[data-led="1"]').textContent = two;
    for (const line of this.querySelectorAll('[data-led]')) fit(line, 238);
    if (state.plate) this.first.querySelector('[data-plate]').textContent = state.plate;
    else if (state.car !== null) this.first.querySelector('[data-plate]').textContent = '';
    this.querySelector('svg').setAttribute('aria-label',
      `${CAR_WORDS[state.car ?? 'none']}; ${t('道闸', 'arm')} ${ARM[state.barrier]}; ${t('屏幕', 'screen')}: ${state.screen || '—'}`);
    this.#drive(before, state);
  }

  #drive(before, state) {
    const was = before?.car ?? null;
    const run = ++this.#runs;
    if (state.car === 'loop') {
      if (was === 'under') this.#swap();
      else if (was === null) { jump(this.first, state.queued ? 'waiting' : 'away'); }
      place(this.first, 'loop');
    } else if (state.car === 'under') {
      place(this.first, 'under');
    } else if (was === 'under' || (was === 'loop' && before.barrier !== 'closed' && state.barrier !== 'closed')) {
      place(this.first, 'gone');
      setTimeout(() => run === this.#runs && jump(this.first, 'away'), 950);
    } else if (was === 'loop') {
      place(this.first, 'away');
    } else if (!before) jump(this.first, 'away');
    place(this.second, state.queued ? 'waiting' : 'away');
  }

  // The car behind moves up: the front one leaves the picture as the other, so that no car turns its colour.
  #swap() {
    [this.first, this.second] = [this.second, this.first];
    place(this.second, 'gone');
    setTimeout(() => jump(this.second, this.#state.queued ? 'waiting' : 'away'), 950);
  }
}

function place(car, where) {
  requestAnimationFrame(() => {
    car.classList.remove('still');
    car.style.transform = `translateX(${PLACES[where]}px)`;
  });
}

function jump(car, where) {
  car.classList.add('still');
  car.style.transform = `translateX(${PLACES[where]}px)`;
  void car.getBoundingClientRect();
}

// What is wider than the board is written narrower.
function fit(line, width) {
  line.removeAttribute('textLength');
  if (line.getComputedTextLength() > width) {
    line.setAttribute('textLength', width);
    line.setAttribute('lengthAdjust', 'spacingAndGlyphs');
  }
}

// The board has two lines of 12 full-width signs.
function lines(text) {
  const cut = text.length <= 12 ? text.length : (/[，。；,]/.exec(text)?.index ?? 11) + 1;
  return [text.slice(0, Math.min(cut, 12)), text.slice(Math.min(cut, 12), 48)];
}

customElements.define('lane-scene', LaneScene);
