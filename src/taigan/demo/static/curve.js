// What a stay costs by how long it is, asked of the lot, with the point where the car at the exit stands.

import { platform } from './sides.js';
import { both, make, t } from './words.js';

const MINUTES = [0, 15, 16, ...Array.from({ length: 47 }, (_, n) => (n + 1) * 30 + 1), 1440];
const [W, H, L, B] = [520, 190, 44, 28];
const x = (minutes) => L + (minutes / 1440) * (W - L - 10);

export class Curve {
  constructor() {
    this.picture = make('div');
    const title = make('h2');
    title.append(both('停多久，付多少', 'What a stay costs'));
    this.element = make('section', { class: 'curve card' }, title, this.picture);
    this.points = null;
  }

  /** Draw the curve for a stay that begins at this moment's day. */
  async at(now) {
    this.now = now;
    if (!this.points) {
      const entry = new Date(now - 60_000);
      const cost = (minutes) => platform.price(entry.toISOString(), new Date(entry.getTime() + minutes * 60_000).toISOString());
      this.points = Promise.all(MINUTES.map(async (minutes) => [minutes, await cost(minutes)]));
      this.points.catch(() => { this.points = null; });
    }
    try { this.#draw(await this.points); } catch { this.element.hidden = true; }
  }

  /** Where a car stands: when it came in; null for none. */
  stay(inAt) {
    this.inAt = inAt;
    if (this.now) this.at(this.now);
  }

  #draw(points) {
    this.element.hidden = false;
    const most = Math.max(...points.map(([, fen]) => fen), 100);
    const y = (fen) => H - B - (fen / most) * (H - B - 14);
    let path = `M${x(0)} ${y(points[0][1])}`;
    for (const [minutes, fen] of points.slice(1)) path += `H${x(minutes).toFixed(1)}V${y(fen).toFixed(1)}`;
    const hours = [0, 6, 12, 18, 24].map((hour) => `<text class="tick" x="${x(hour * 60)}" y="${H - 8}" text-anchor="${hour === 24 ? 'end' : 'middle'}">${hour} ${t('小时', 'h')}</text>`);
    const money = [0, most / 2, most].map((fen) => `<text class="tick" x="${L - 6}" y="${y(fen) + 4}" text-anchor="end">¥${fen / 100}</text><line class="grid" x1="${L}" x2="${W - 10}" y1="${y(fen)}" y2="${y(fen)}"/>`);
    let here = '';
    if (this.inAt) {
      const minutes = Math.min(1440, Math.max(0, (this.now - this.inAt) / 60_000));
      const [, fen] = points.filter(([from]) => from <= minutes + 1).at(-1);
      here = `<circle class="here" cx="${x(minutes)}" cy="${y(fen)}" r="7"/>`;
    }
    const said = t(`价格曲线，24 小时 ${most / 100} 元`, `the price curve, ${most / 100} yuan for 24 hours`);
    this.picture.innerHTML = `<svg viewBox="0 0 ${W} ${H}" role="img" aria-label="${said}">${money.join('')}<path class="line" d="${path}"/>${here}${hours.join('')}</svg>`;
  }
}
