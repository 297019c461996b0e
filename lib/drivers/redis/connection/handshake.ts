import type { Redis } from 'ioredis';
import { handshakeError, noMaster } from '../errors/connection-errors.js';
import { isReply, withoutArguments } from '../errors/reply-errors.js';

/**
 * Connects a client, and logs in.
 * @throws the first error: ioredis itself rejects only with "Connection is closed."
 */
export async function handshake(client: Redis): Promise<void> {
  let reason: unknown;
  const sentinels: Error[] = [];
  client.on('sentinelError', (error: Error) => sentinels.push(error));
  client.on(
    'error',
    (error: unknown) => (reason ??= handshakeError(withoutArguments(error), client)),
  );
  const connected = await client.connect().then(
    () => true,
    (error: unknown) => {
      reason ??= handshakeError(withoutArguments(error), client);
      return false;
    },
  );
  // After a refused SELECT ioredis would go on with another database than the one asked for.
  if (!connected || isReply(reason)) throw noMaster(reason, sentinels) ?? reason;
}
