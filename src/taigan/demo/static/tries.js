// Five things to try. Each plays itself and says what to look at; what it claims at its end it has counted.

import { hub, platform, street, time } from './sides.js';

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
      await hub.setFaults([{ kind: 'answer_lost', times: 1 }, { kind: 'hub_down', times: 8 }]);
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

// Five for leaving

let cars = 0;
const newPlate = () => `京T${String((Date.now() % 9000) + 1000 + cars++).slice(-4)}5`;

/** A car with a plate drives in by the entry; its plate. */
async function parks(entry, say, hours) {
  const plate = newPlate();
  say(`${plate} 入场：摄像机读到车牌，杆抬起。`, `${plate} drives in: the camera reads its plate, the arm rises.`);
  await entry.arrive(plate);
  await goesIn(entry);
  if (hours) {
    say(`时间快进 ${hours} 小时，三方一起。`, `${hours} hours later, on all three sides at once.`);
    await time.forward(hours * 3600);
  }
  return plate;
}

async function toExit(exit, plate) {
  await exit.lookInside();
  const order = [...exit.cars.values()].find((one) => one.plate === plate);
  if (order) exit.car.value = order.order_id;
  if (order) exit.curve?.stay(Date.parse(order.in_at));
  await exit.arrive(plate);
  await exit.until((state) => state.car === 'loop', 5);
  await pause(QUICK);
  return order?.order_id;
}

async function goesOut(exit) {
  await exit.until((state) => state.barrier === 'open', 15);
  await pause(QUICK);
  await exit.drive();
  await exit.until((state) => state.car === null, 5);
}

/** The driver scans the exit's code; the price, once the lot has one. */
async function owing(exit, plate) {
  for (let tries = 0; ; tries += 1) {
    const asked = await hub.scan(exit.channel, `owner-${plate}`, 'wechat');
    if (asked.shown === 'price' || tries === 5) {
      await exit.showBill(asked, `owner-${plate}`);
      return asked;
    }
    await pause(500);
  }
}

async function pays(asked) {
  await pause(QUICK);
  return hub.pay(asked.scan_id);
}

/** The driver types the plate at the lot's own code, inside; the price. */
async function askedInside(exit, plate) {
  const asked = await hub.prepay(plate, `owner-${plate}`, 'wechat');
  await exit.showBill(asked, `owner-${plate}`);
  return asked;
}

export const LEAVING = [
  {
    zh: '场内先缴费，出口不停', en: 'Pay inside, leave without a stop', lanes: [1, 3],
    async play([entry, exit], say) {
      await start([entry, exit], say);
      const before = exit.state.lifts;
      const plate = await parks(entry, say, 2);
      say('司机在电梯口扫场内码，输入车牌，付款。', "The driver scans the lot's code inside, types the plate and pays.");
      const asked = await askedInside(exit, plate);
      await pays(asked);
      await pause(QUICK * 2);
      say('到出口：摄像机读到车牌，不用扫码，杆自己抬起。', 'At the exit the camera reads the plate, and the arm rises by itself.');
      const orderId = await toExit(exit, plate);
      await goesOut(exit);
      const told = await reported(orderId);
      const count = lifted(exit, before);
      return [told && count === 1, `付了 ${asked.price} 元，抬杆 ${count} 次，3.2 已上报，金额 0。`, `Paid ${asked.price} yuan; ${count} lift; the exit is told with total 0.`];
    },
  },
  {
    zh: '到出口扫码付款', en: 'Pay at the exit', lanes: [1, 3],
    async play([entry, exit], say) {
      await start([entry, exit], say);
      const before = exit.state.lifts;
      const plate = await parks(entry, say, 3);
      say('车到出口，屏幕显示应付多少，杆不动。', 'At the exit the board says what is due; the arm stays down.');
      const orderId = await toExit(exit, plate);
      const asked = await owing(exit, plate);
      await pause(QUICK);
      say(`扫出口码：${asked.price} 元。付款。`, `Scan the code: ${asked.price} yuan. Pay.`);
      await pays(asked);
      await goesOut(exit);
      const told = await reported(orderId);
      const count = lifted(exit, before);
      return [told && count === 1, `${asked.price} 元到账，抬杆 ${count} 次，3.2 已上报。`, `${asked.price} yuan paid; ${count} lift; the exit is told.`];
    },
  },
  {
    zh: '应答丢了，又有人多付一次', en: 'The answer is lost, and it is paid twice', lanes: [1, 3],
    async play([entry, exit], say) {
      await start([entry, exit], say);
      const before = exit.state.lifts;
      const plate = await parks(entry, say, 1);
      const orderId = await toExit(exit, plate);
      say('两部手机都查了价，都付了；第一笔的应答还丢了，泊链十秒后会再发。', 'Two phones asked and both pay; the first answer is lost, so BoLink sends that payment again after ten seconds.');
      const one = await owing(exit, plate);
      const two = await hub.scan(exit.channel, `friend-${plate}`, 'alipay');
      await hub.setFaults([{ kind: 'answer_lost', times: 1, service_name: 'outpark' }]);
      await pays(one);
      await hub.pay(two.scan_id);
      await exit.until((state) => state.barrier === 'open', 15);
      for (let left = 12; left > 0; left -= 1) {
        say(`杆抬了一次。等泊链重发，还有 ${left} 秒…`, `The arm rose once. BoLink sends again: ${left} s…`);
        await pause(1000);
      }
      const count = lifted(exit, before);
      const kept = (await hub.payments(orderId)).length;
      await goesOut(exit);
      return [count === 1 && kept === 2, `两笔都记着，多付的一笔等着退，重发的认得出来；抬杆 ${count} 次。`, `Both payments are kept, the second as surplus, the repeat is known; ${count} lift.`];
    },
  },
  {
    zh: '付完太久才走，补差价', en: 'Leave too late after paying: the difference', lanes: [1, 3],
    async play([entry, exit], say) {
      await start([entry, exit], say);
      const before = exit.state.lifts;
      const plate = await parks(entry, say, 1);
      const first = await askedInside(exit, plate);
      await pays(first);
      say(`付了 ${first.price} 元，又逛了 40 分钟，超过了 15 分钟的离场时间。`, `${first.price} yuan paid, then 40 minutes more: past the 15 minutes to leave.`);
      await time.forward(40 * 60);
      const orderId = await toExit(exit, plate);
      const rest = await owing(exit, plate);
      say(`出口只要差价：${rest.price} 元。`, `The exit asks for the difference only: ${rest.price} yuan.`);
      await pays(rest);
      await goesOut(exit);
      const told = await reported(orderId);
      const count = lifted(exit, before);
      return [told && count === 1 && Number(rest.price) < Number(rest.total), `先付 ${first.price}，补 ${rest.price}，合计就是 ${rest.total} 元；抬杆 ${count} 次。`, `${first.price} first, ${rest.price} more: ${rest.total} in all; ${count} lift.`];
    },
  },
  {
    zh: '摄像机读错一个字', en: 'The camera misreads the plate', lanes: [1, 3],
    async play([entry, exit], say) {
      await start([entry, exit], say);
      const before = exit.state.lifts;
      const plate = await parks(entry, say, 1);
      await street.put(exit.channel, { camera: 'misreads' });
      const orderId = await toExit(exit, plate);
      await pause(QUICK);
      const refused = await hub.scan(exit.channel, `owner-${plate}`, 'wechat');
      await exit.showBill(refused, `owner-${plate}`);
      const down = lifted(exit, before) === 0;
      say(`读错了：手机显示“${refused.text}”，杆不抬，谁的账都不乱算。`, 'Misread: the phone says so, the arm stays down, and nobody else is charged.');
      await pause(QUICK * 3);
      say('摄像机再读一次，这回对了。', 'The camera reads again, and well this time.');
      await street.put(exit.channel, { camera: 'reads' });
      const asked = await owing(exit, plate);
      await pays(asked);
      await goesOut(exit);
      const told = await reported(orderId);
      const count = lifted(exit, before);
      return [refused.shown === 'refused' && down && told && count === 1, `认出原来的车，${asked.price} 元，抬杆 ${count} 次。`, `The right car is found: ${asked.price} yuan, ${count} lift.`];
    },
  },
];
