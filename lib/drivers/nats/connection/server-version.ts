import type { NatsConnection as Client } from '@nats-io/transport-node';
import { NatsServerTooOldError } from '../errors/nats-connection.errors.js';

/** The oldest server that has all that this driver needs. */
const FLOOR = '2.10';

/** Whether a server has this version, such as `2.12`, or a later one. */
export function isAtLeast(version: string | undefined, wanted: string): boolean {
  if (version === undefined) return false;
  const [have, want] = [version, wanted].map((text) =>
    text.split('.').map((part) => parseInt(part, 10)),
  );
  for (const [at, part] of want!.entries()) {
    const difference = (have![at] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** @throws NatsServerTooOldError */
export function refuseOldServer(client: Client): Client {
  const { version = FLOOR } = client.info ?? {};
  if (!isAtLeast(version, FLOOR)) throw new NatsServerTooOldError(version);
  return client;
}
