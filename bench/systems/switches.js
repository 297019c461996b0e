// @ts-check
/** Parts of the library that the bench can switch off, to see what they cost. For the bench alone. */

const { HeldTable } = await import(dist('drivers/redis/held-entries/held-table.js'));
const { Reclaimer } = await import(dist('drivers/redis/reading/reclaimer.js'));
const { RedisSource } = await import(dist('drivers/redis/redis.source.js'));
const { Heartbeat } = await import(dist('consuming/reading/heartbeat.js'));
const { Chain } = await import(dist('core/collections/chain.js'));

export function withoutHeartbeat() {
  Heartbeat.prototype.start = async () => undefined;
}

export function withoutReclaim() {
  Reclaimer.prototype.start = async () => undefined;
}

/** Neither the driver nor the engine knows what is held. */
export function withoutTable() {
  HeldTable.prototype.add = () => undefined;
  HeldTable.prototype.get = () => undefined;
  HeldTable.prototype.remove = () => undefined;
  Chain.prototype.add = () => undefined;
  Chain.prototype.delete = () => true;
}

/** The source cannot tell how far a group is. */
export function withoutFloor() {
  RedisSource.prototype.settledUpTo = undefined;
}

/** @param {string} path */
function dist(path) {
  return new URL(`../../dist/${path}`, import.meta.url).href;
}
