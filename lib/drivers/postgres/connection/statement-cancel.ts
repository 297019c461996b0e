import { connect } from 'node:net';
import type { ClientBase } from 'pg';
import { sleep, systemClock } from '../../../core/clock.js';

/** The number by which PostgreSQL knows a request to cancel. */
const CANCEL = 80_877_102;
/** Longest wait for the server to have taken the request, in milliseconds. */
const PATIENCE = 500;

/** What `pg` keeps of a connection, without a declaration. */
interface Cancellable {
  readonly host?: string;
  readonly port?: number;
  readonly processID?: number | null;
  readonly secretKey?: unknown;
}

/**
 * Asks the server to give up the statement that runs on a connection. Closing the connection does not
 * do that: a statement that waits for a lock would go on waiting, and keep the locks that it has.
 * Resolves when the server has taken the request, or after half a second.
 */
async function cancelStatement(client: ClientBase): Promise<void> {
  const { host = 'localhost', port = 5432, processID, secretKey } = client as Cancellable;
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return;
  const request = Buffer.alloc(16);
  [16, CANCEL, processID, secretKey].forEach((part, at) => request.writeInt32BE(part, at * 4));
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  const done = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket
    .on('error', () => undefined)
    .resume()
    .end(request);
  const late = new AbortController();
  await Promise.race([done, sleep(systemClock, PATIENCE, late.signal)]);
  late.abort();
  socket.destroy();
}

/** The server did not answer in time. */
export const isTimeout = (error: unknown): boolean =>
  error instanceof Error && error.message === 'Query read timeout';

/** Cancels a statement that got no answer in time. Returns the error that says so. */
export async function cancelled(
  client: ClientBase,
  timeout: number,
  cause: unknown,
): Promise<Error> {
  await cancelStatement(client);
  return new Error(`no answer came within ${timeout} ms`, { cause });
}
