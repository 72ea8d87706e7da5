// Plays orders at a route as JWT Pizza's, with what docs/wiring.md adds to it, in the folder that holds its files.
// Takes {factory, key, orders: [[email, seconds]]}; writes a line for each answer, and in the end the time-outs it set.
const { setImmediate: turn } = require('node:timers/promises');
const { factory, key, orders } = JSON.parse(process.argv[2]);
const { watch } = require(`${process.cwd()}/remediator.js`);

let seconds = 0;
const timeouts = [];
performance.now = () => seconds * 1000;
AbortSignal.timeout = (milliseconds) => (timeouts.push(milliseconds), new AbortController().signal); // the test's patience ends

const handle = (route) => (req, res) => route(req, res).catch((error) => res.status(500).send({ message: error.message }));

const place = handle(async (req, res) => {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` };
  const body = JSON.stringify({ diner: req.user, order: req.body });
  const r = await watch(req.user.email, fetch(`${factory}/api/order`, { method: 'POST', headers, body }));
  const j = await r.json();
  if (r.ok) res.send({ order: req.body, followLinkToEndChaos: j.reportUrl, jwt: j.jwt });
  else res.status(500).send({ message: 'Failed to fulfill order at factory', followLinkToEndChaos: j.reportUrl });
});

const response = () => ({
  code: 200,
  status(code) {
    this.code = code;
    return this;
  },
  send(body) {
    console.log(JSON.stringify([this.code, body.followLinkToEndChaos !== undefined]));
  },
});

(async () => {
  for (const [email, at] of orders) {
    seconds = at;
    await place({ user: { id: 3, name: 'Ana', email }, body: { items: [{ menuId: 1, description: 'Veggie', price: 0.05 }] } }, response());
    for (let left = 20; left; left -= 1) await turn(); // nothing but computing is left to whoever watched
  }
})();
process.on('exit', () => console.log(JSON.stringify(timeouts)));
