// What lies behind a step: the bytes as they went over the wire, the signature worked out, the stored rows.

import { hub } from './sides.js';
import { STEPS, both, make, t } from './words.js';

const dialog = document.getElementById('detail');
const title = document.getElementById('detail-title');
const body = document.getElementById('detail-body');

// The demo's drivers are simulated, so their ids are nobody's; a phone number was typed by somebody.
const masked = (text) => text.replace(/("mobile_number"\s*:\s*"?\+?\d{3})\d+(\d{4})/g, '$1••••$2');
const bytes = (text) => new TextEncoder().encode(text).length;
const part = (heading, ...content) => make('section', {}, make('h3', {}, heading), ...content);
const exact = (text) => make('pre', { tabindex: '0' }, masked(text));
const json = (row) => exact(JSON.stringify(row, null, 2));

const spoken = (name) => t(name.split(' ')[0], name.split(' ').slice(1).join(' '));

function facts(pairs) {
  const list = make('dl');
  for (const [name, value] of pairs) if (value !== '' && value !== null && value !== undefined) list.append(make('dt', {}, spoken(name)), make('dd', {}, String(value)));
  return list;
}

function signature(signed, form) {
  const text = form === 'compact' ? signed.compact_text : signed.text;
  const sum = make('pre', { tabindex: '0' }, 'MD5( ', masked(text), ' + ', make('span', { class: 'key' }, signed.key), ' )\n= ', make('b', {}, signed.sign));
  const said = make('p', { class: 'hint' });
  said.append(both('data 原文后接密钥，取 MD5，十六进制大写，即报文里的 sign。', "The text of data with the key behind it; its MD5 in upper-case hex is the message's sign."));
  return part(both('签名怎么来的', 'the signature worked out'), sum, said);
}

async function message(step) {
  if (step.arrival) {
    const arrival = await hub.arrival(step.arrival);
    return [
      facts([['接口 section', arrival.section], ['状态 HTTP', arrival.status], ['订单 order', arrival.order_id], ['签名 signature', arrival.signature], ['故障 fault', arrival.fault]]),
      part(both(`车场发来的报文，${bytes(arrival.body)} 字节`, 'the request, byte for byte'), exact(arrival.body)),
      ...(arrival.signed ? [signature(arrival.signed, arrival.signature)] : []),
      part(both('泊链的应答', "BoLink's answer"), exact(arrival.answer || '—')),
    ];
  }
  const push = await hub.push(step.push);
  return [
    facts([['地址 URL', push.url], ['消息 service_name', push.service_name], ['状态 HTTP', push.status], ['结果 outcome', push.outcome], ['故障 fault', push.fault]]),
    part(both(`泊链发出的报文，${bytes(push.request)} 字节`, 'the request, byte for byte'), exact(push.request)),
    ...(push.signed ? [signature(push.signed, step.row.signature)] : []),
    part(both('车场的应答，原样', "the lot's answer, as it came"), exact(push.answer ?? t('没有收到', 'none came'))),
  ];
}

export async function showDetail(step, entry) {
  title.replaceChildren(both(...(STEPS[step.name ?? step.kind] ?? STEPS[step.kind] ?? [step.kind, step.kind])));
  const pushed = [...entry.steps.values()].map((line) => line.step).find((other) => other.kind === 'pushed');
  const asked = step.kind === 'received' && pushed ? { ...step, push: pushed.push } : step;
  let parts = [];
  try {
    if (asked.push || asked.arrival) parts = await message(asked);
  } catch (error) {
    parts = [make('p', {}, error.message)];
  }
  const name = step.order ? both('车场存下的这一行', 'the row as the lot keeps it') : both('这一方的记录', 'as this side tells it');
  parts.push(part(name, json(step.row)));
  if (step.order) {
    const { events, lifts, deliveries, ...order } = step.order;
    parts.push(part(both('订单', 'the order'), json(order)));
    if (deliveries.length) parts.push(part(both('欠泊链的上传', 'owed to BoLink'), json(deliveries)));
  }
  body.replaceChildren(...parts);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}
