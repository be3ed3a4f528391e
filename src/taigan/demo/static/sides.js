import { language } from './words.js';

// The three sides over their public interfaces, through the page's own server, which adds the tokens.

export const addresses = await (await fetch('addresses.json')).json();
export const lot = addresses.lots[0];
const lotPath = `lot/api/v1/lots/${encodeURIComponent(lot.lot_id)}`;
const part = encodeURIComponent;

export class Refused extends Error {}

async function ask(method, url, body) {
  const init = { method };
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const answer = await fetch(url, init);
  const said = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(said?.error?.message ?? `HTTP ${answer.status}`);
  return said;
}

export const hub = {
  scan: (channel_id, driver, app) => ask('POST', 'hub/admin/scans', { lot_id: lot.lot_id, channel_id, driver, app }),
  prepay: (car_number, driver, app) => ask('POST', 'hub/admin/prepays', { lot_id: lot.lot_id, car_number, driver, app }),
  pay: (scanId) => ask('POST', `hub/admin/scans/${part(scanId)}/pay`, {}),
  payments: async (orderId) => (await ask('GET', `hub/admin/payments?lot_id=${part(lot.lot_id)}&limit=50`)).items.filter((one) => one.order_id === orderId),
  scanNow: (scanId) => ask('GET', `hub/admin/scans/${part(scanId)}`),
  trail: async (scanId) => (await ask('GET', `hub/admin/trail?scan_id=${part(scanId)}`)).items,
  push: (id) => ask('GET', `hub/admin/pushes/${id}`),
  pushes: async (limit) => (await ask('GET', `hub/admin/pushes?limit=${limit}`)).items,
  arrival: (id) => ask('GET', `hub/admin/arrivals/${id}`),
  exits: async () => (await ask('GET', `hub/admin/exits?lot_id=${part(lot.lot_id)}&limit=5`)).items,
  faults: async () => (await ask('GET', 'hub/admin/faults')).faults,
  setFaults: (faults) => ask('PUT', 'hub/admin/faults', { faults }),
  // The driver's page at the hub's own origin; under the name this page was opened by, so that its cookies count.
  page: (path, query) => {
    const url = new URL(path, addresses.hub.url);
    url.hostname = location.hostname;
    for (const [name, value] of Object.entries({ ...query, lang: language })) url.searchParams.set(name, value);
    return url.href;
  },
};

export const platform = {
  lot: () => ask('GET', lotPath),
  order: (orderId) => ask('GET', `${lotPath}/orders/${part(orderId)}`),
  orders: async (licence) => (await ask('GET', `${lotPath}/orders?car_number=${part(licence)}&limit=3`)).items,
  act: (channel, act) => ask('POST', `${lotPath}/lanes/${part(channel)}/${act}`, { operator: 'demo', reason: 'demo page' }),
  inside: async () => (await ask('GET', `${lotPath}/orders?state=in&limit=20`)).items,
  price: async (entry, exit) => (await ask('GET', `${lotPath}/price?entry=${part(entry)}&exit=${part(exit)}`)).fen,
  sign: (channel, query) => `${lotPath}/lanes/${part(channel)}/poster?${query}`,
};

export const time = {
  now: () => ask('GET', 'clock'),
  forward: (seconds) => ask('POST', 'clock', { forward: seconds }),
};

export const street = {
  lane: (channel) => ask('GET', `lanes/lots/${part(lot.lot_id)}/lanes/${part(channel)}`),
  put: (channel, wish) => ask('PUT', `lanes/lots/${part(lot.lot_id)}/lanes/${part(channel)}`, wish),
};
