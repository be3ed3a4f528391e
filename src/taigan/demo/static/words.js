// One language at a time: the one chosen on the page, else the browser's, else Chinese.

const asked = new URLSearchParams(location.search).get('lang') || localStorage.getItem('lang') || navigator.language;
export const language = asked.startsWith('en') ? 'en' : 'zh-CN';
localStorage.setItem('lang', language);
document.documentElement.lang = language;

/** What the page says in its language. */
export const t = (zh, en) => (language === 'en' ? en : zh);
export const both = (zh, en) => document.createTextNode(t(zh, en));

/** The page's own markup holds both languages, the Chinese before a span of the English: one of them goes. */
export function speak(root = document) {
  for (const span of root.querySelectorAll('span[lang=en]')) {
    const before = span.previousSibling;
    if (language === 'en') {
      if (before && before.nodeType === Node.TEXT_NODE) before.textContent = /^\s*[·]/.test(before.textContent) ? ' · ' : ' ';
      span.replaceWith(span.textContent);
    } else {
      if (before && before.nodeType === Node.TEXT_NODE) before.textContent = before.textContent.trimEnd();
      span.remove();
    }
  }
  for (const element of root.querySelectorAll('[data-label]')) {
    const [zh, en] = element.dataset.label.split('|');
    element.setAttribute('aria-label', t(zh, en));
  }
  document.title = t('抬杆 · 演示', 'taigan · demo');
}

export const make = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made[name] = value;
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
};

export const FAULTS = [
  { kind: 'answer_lost', zh: '应答丢失', en: 'the answer gets lost' },
  { kind: 'answer_late', zh: '应答太晚', en: 'the answer comes too late' },
  { kind: 'sent_twice', zh: '请求发两遍', en: 'the request is sent twice' },
  { kind: 'upload_refused', zh: '上传被拒', en: 'BoLink refuses the upload' },
  { kind: 'upload_500', zh: '上传出错', en: 'the upload fails with 500' },
  { kind: 'upload_answer_lost', zh: '上传应答丢失', en: "the upload's answer gets lost" },
  { kind: 'hub_down', zh: '泊链收不到上传（一直）', en: 'BoLink takes no uploads (until off)', always: true },
  { kind: 'payment_pending', zh: '支付迟迟没有结果', en: 'the payment stays pending' },
  { kind: 'payment_failed', zh: '支付失败', en: 'the payment fails' },
  { kind: 'payment_other_amount', zh: '付款少一分', en: 'one fen less is paid' },
  { kind: 'payment_unreadable', zh: '付款通知看不懂', en: 'the payment message cannot be read' },
];

export const MODES = [
  ['ok', '正常', 'works'],
  ['fault', '报故障', 'refuses the command'],
  ['silent', '收到指令没反应', 'takes the command, does nothing'],
  ['late', '六秒后才抬', 'moves after 6 s'],
  ['mute', '抬了却不报告', 'moves, never reports'],
  ['locked', '答应却不抬', 'says yes, stays down'],
];

export const SIDES = { phone: ['手机', 'phone'], hub: ['泊链', 'BoLink'], lot: ['车场', 'lot'], lanes: ['道闸', 'barrier'] };

// What each step is called; `{}` takes the step's own text.
export const STEPS = {
  scanned: ['扫码', 'the code is scanned'],
  duplicate: ['刚扫过，不再转发', 'scanned a moment ago, not sent on'],
  code_asked: ['请求短信验证码 5.13', 'asks for an SMS code'],
  code_sent: ['验证码已发出', 'the SMS code is out'],
  code_refused: ['验证码没发出', 'no SMS code'],
  code_wrong: ['验证码错误', 'wrong SMS code'],
  pushed: ['推送', 'tells the lot'],
  'pushed 5.1': ['查询停车费 5.1', 'asks what the stay costs (5.1)'],
  'pushed 5.3': ['通知：场内已付 5.3', 'tells: paid inside (5.3)'],
  'pushed 5.5': ['通知：出口已付 5.5', 'tells: paid at the exit (5.5)'],
  'pushed 5.7': ['推送无牌车入场 5.7', 'asks the lot (5.7)'],
  answered: ['应答', 'answers'],
  unanswered: ['没有等到应答', 'no answer came'],
  shown: ['手机显示', 'the phone shows'],
  uploaded: ['上传', 'uploads'],
  upload_refused: ['上传没被接受', 'the upload is not accepted'],
  received: ['验签通过', 'the signature holds'],
  refused: ['不予入场，不建订单', 'refused, no order'],
  retold: ['认出是同一辆车，给出它的结果', 'the same car: its result again, no second lift'],
  waiting: ['第一次提交：订单、车位、抬杆意图', 'commit 1: order, space, intended lift'],
  in: ['第二次提交：订单入场，欠泊链一条上传', 'commit 2: order in, an upload owed'],
  void: ['订单作废，车位归还', 'the order is void, its space free again'],
  abandoned: ['旧订单作废弃处理', 'the old order is abandoned'],
  out: ['订单离场，账单结清', 'the order is out, its bill closed'],
  paid: ['付款', 'pays'],
  'exit plate read': ['出口识别到车牌', 'the plate is read at the exit'],
  'paid at the lot': ['车场记下这笔钱', 'the lot keeps the payment'],
  'released at the exit': ['放行：抬杆一次', 'released: one lift'],
  passed: ['车已驶过', 'the car has passed'],
  released: ['放行', 'released'],
  'not confirmed': ['抬杆未确认，等车的动静', 'not confirmed: what the car does decides'],
  'scanned again': ['再次扫码：杆已落下，再抬一次', 'scanned again with the arm down'],
  'plate read': ['识别到车牌', 'a plate was read'],
  command: ['抬杆指令', 'raise the arm'],
  accepted: ['道闸接受', 'the barrier accepts'],
  rejected: ['道闸拒绝', 'the barrier rejects'],
  uncertain: ['道闸没有回音，不再重发', 'no reply from the barrier; never repeated'],
  arrived: ['车压上地感', 'a car is on the loop'],
  backed_out: ['车倒出', 'the car backs out'],
  second_car: ['后车跟进', 'a second car follows'],
  rising: ['杆正在抬起', 'the arm rises'],
  up: ['杆已抬起', 'the arm is up'],
  falling: ['杆正在落下', 'the arm falls'],
  down: ['杆已落下', 'the arm is down'],
  fault: ['道闸故障', 'barrier fault'],
  retry: ['上传没成功，稍后自动重传', 'not uploaded yet, it is tried again'],
  alarm: ['报警', 'alarm'],
};

export const BAD = new Set(['unanswered', 'upload_refused', 'refused', 'void', 'rejected', 'uncertain', 'fault', 'retry', 'alarm',
  'second_car', 'code_refused', 'code_wrong', 'not confirmed']);
