// @ts-check
/** Parts of the library that the bench can switch off, to see what they cost. For the bench alone. */

const { HeldTable } = await import(dist('drivers/redis/held-table.js'));
const { Caretaker } = await import(dist('drivers/redis/caretaker.js'));
const { Heartbeat } = await import(dist('consuming/heartbeat.js'));
const { Chain } = await import(dist('core/chain.js'));

export function withoutHeartbeat() {
  Heartbeat.prototype.start = async () => undefined;
}

export function withoutReclaim() {
  Caretaker.prototype.start = async () => undefined;
}

/** Neither the driver nor the engine knows what is held. */
export function withoutTable() {
  HeldTable.prototype.add = () => undefined;
  HeldTable.prototype.get = () => undefined;
  HeldTable.prototype.remove = () => undefined;
  Chain.prototype.add = () => undefined;
  Chain.prototype.delete = () => true;
}

/** @param {string} path */
function dist(path) {
  return new URL(`../../dist/${path}`, import.meta.url).href;
}
