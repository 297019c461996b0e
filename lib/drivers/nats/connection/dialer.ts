import type { NatsConnection as Client } from '@nats-io/transport-node';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { clientOptions } from './client-options.js';
import { withoutLeftovers } from './dialled-sockets.js';
import type { NatsPackages } from './nats-packages.js';
import type { CompletedNatsOptions } from './nats.options.js';
import { refuseOldServer } from './server-version.js';

export interface DialerOptions {
  /** Makes a connection that can be used. */
  readonly dial: () => Promise<Client>;
  readonly onFailed: (error: unknown) => void;
}

/** Makes the first connection: tries until there is one, or until it is closed. */
export class Dialer {
  private readonly closing = new AbortController();
  private trying: Promise<void> | undefined;

  constructor(private readonly options: DialerOptions) {}

  /** @param onConnected called once, with the connection */
  begin(onConnected: (client: Client) => void): void {
    this.trying ??= this.tryOn(onConnected);
  }

  /** Resolves when no try is under way any more. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.trying;
  }

  private async tryOn(onConnected: (client: Client) => void): Promise<void> {
    const { signal } = this.closing;
    const backoff = new Backoff();
    while (!signal.aborted) {
      try {
        const client = await this.options.dial();
        return onConnected(client);
      } catch (error) {
        this.options.onFailed(error);
      }
      await sleep(systemClock, backoff.next(), signal);
    }
  }
}

/**
 * Connects, or takes the connection of the application.
 * @param attempts how many tries have failed since the connection broke
 */
export async function dial(
  options: CompletedNatsOptions,
  packages: NatsPackages,
  attempts: () => number,
): Promise<Client> {
  if (options.connection) return refuseOldServer(options.connection as unknown as Client);
  const client = await withoutLeftovers(() =>
    packages.transport.connect(clientOptions(options, packages, attempts)),
  );
  try {
    return refuseOldServer(client);
  } catch (error) {
    await client.close();
    throw error;
  }
}
