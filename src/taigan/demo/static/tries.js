// Five things to try. Each plays itself and says what to look at; what it claims at its end it has counted.

import { hub, platform } from './sides.js';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const QUICK = matchMedia('(prefers-reduced-motion: reduce)').matches ? 300 : 900;

async function start(rows, say) {
  say('收拾车道…', 'Clearing the lane…');
  await hub.setFaults([]);
  await Promise.all(rows.map((row) => row.reset()));
}

async function comes(row, say) {
  say('一辆车开上地感。', 'A car drives onto the loop.');
  await row.arrive();
  await row.until((state) => state.car === 'loop', 5);
  await pause(QUICK);
}

async function goesIn(row) {
  await row.until((state) => state.barrier === 'open', 8);
  await pause(QUICK);
  await row.drive();
  await row.until((state) => state.car === null, 5);
}

const lifted = (row, before) => row.state.lifts - before;

export const TRIES = [
  {
    zh: '一辆车入场', en: 'One car gets in', lanes: [1],
    async play([row], say) {
      await start([row], say);
      const before = row.state.lifts;
      await comes(row, say);
      say('司机扫码，车场应答，杆抬起。', 'The driver scans, the lot answers, the arm rises.');
      const result = await row.scanNow();
      await goesIn(row);
      const ok = result.shown === 'success' && lifted(row, before) === 1;
      return [ok, `手机显示“${result.text}”，抬杆 ${lifted(row, before)} 次，入场已上传。`, `The phone said success, the arm rose ${lifted(row, before)} time, the entry is uploaded.`];
    },
  },
  {
    zh: '应答丢了，再扫一次', en: 'Lose the answer, scan again: no second lift', lanes: [1],
    async play([row], say) {
      await start([row], say);
      const before = row.state.lifts;
      await comes(row, say);
      await hub.setFaults([{ kind: 'answer_lost', times: 1 }, { kind: 'hub_down', times: null }]);
      say('扫码：杆抬了，可是应答在路上丢了，上传也断了。', 'Scan: the arm rises, but the answer is lost on its way, and uploads are cut.');
      const first = await row.scanNow();
      for (let left = Math.ceil(first.retry_in); left > 0; left -= 1) {
        say(`手机没等到结果。刚扫过的码不会马上转发，还要等 ${left} 秒…`, `The phone got no result. A code scanned a moment ago is not sent on: ${left} s…`);
        await pause(1000);
      }
      say('再扫一次：车场认出是同一辆车，给出第一次的结果。', 'Scan again: the lot knows the car and gives the first result.');
      const result = await row.scanNow();
      await hub.setFaults([]);
      await pause(QUICK * 2);
      const count = lifted(row, before);
      await goesIn(row);
      return [result.shown === 'success' && count === 1, `手机显示“${result.text}”，前后只抬杆 ${count} 次，没有第二次。`, `Success on the phone, and ${count} lift in all: no second one.`];
    },
  },
  {
    zh: '一条车道，两部手机同时扫', en: 'Two phones at one lane at once', lanes: [1, 2],
    async play([row, other], say) {
      await start([row, other], say);
      const before = row.state.lifts;
      await comes(row, say);
      say('两位司机在同一毫秒扫同一个码。', 'Two drivers scan the same code in the same millisecond.');
      await row.scan();
      await other.scan(row);
      const [one, two] = await Promise.all([row.confirm(row, { alone: false }), other.confirm(row, { alone: false })]);
      await goesIn(row);
      const texts = [one, two].map((result) => result.text).join(' / ');
      const count = lifted(row, before);
      return [count === 1 && one.shown !== two.shown, `一部成功，一部被请稍候（${texts}），抬杆 ${count} 次。`, `One got in, the other was told to wait; ${count} lift.`];
    },
  },
  {
    zh: '等管理员放行', en: 'The attendant lets a car in', lanes: [2],
    async play([row], say) {
      await start([row], say);
      const before = row.state.lifts;
      await comes(row, say);
      const result = await row.scanNow();
      say(`手机显示“${result.text}”，杆不动。三秒后管理员按下“放行”。`, 'The phone waits, the arm stays down. In three seconds the attendant releases.');
      await pause(3000);
      await platform.act(row.channel, 'release');
      say('杆抬起，手机自己变成成功，不用刷新。', 'The arm rises, and the phone turns to success by itself.');
      await goesIn(row);
      const count = lifted(row, before);
      return [result.state === 2 && count === 1, `先等待，后放行，抬杆 ${count} 次。谁放行、为什么，都记在账上。`, `First waiting, then released; ${count} lift. Who did it and why is kept.`];
    },
  },
  {
    zh: '成功之后又倒出去', en: 'Let in, then backs out', lanes: [1],
    async play([row], say) {
      await start([row], say);
      await comes(row, say);
      const result = await row.scanNow();
      await row.until((state) => state.barrier === 'open', 8);
      say('已经成功，司机却改了主意，倒了出去。', 'Already let in, the driver changes their mind and backs out.');
      await pause(QUICK * 1.5);
      await row.backOut();
      await pause(QUICK * 2);
      const order = (await platform.orders(result.car_number))[0];
      const told = await reported(order.order_id);
      return [order.state === 'void' && told, '订单作废，车位归还，并用 3.2 告诉泊链：金额 0，没有进场。', 'The order is void, its space free again, and BoLink was told by a 3.2 with total 0.'];
    },
  },
];

async function reported(orderId) {
  for (let tries = 0; tries < 20; tries += 1) {
    if ((await hub.exits()).some((exit) => exit.order_id === orderId)) return true;
    await pause(250);
  }
  return false;
}
