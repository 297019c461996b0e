import type { Redis, RedisOptions as ClientOptions } from 'ioredis';
import { sleep, systemClock } from '../../../core/clock.js';
import { loadIoredis } from './ioredis.js';
import type { RedisOptions, SentinelAddress } from './redis.options.js';

/** Interval at which a sentinel is asked for the master, in milliseconds. */
const INTERVAL = 500;
/** A sentinel that does not answer for this time is left for the next one, in milliseconds. */
const PATIENCE = 2000;

/**
 * Asks one sentinel at a time where the master is, and reports when the master has moved. A master
 * that was replaced while it is alive learns of that some seconds later; writes to it until then
 * are lost.
 */
export class SentinelWatch {
  /** Index of the sentinel that is asked now. */
  #at = 0;
  readonly #options: RedisOptions;
  readonly #sentinels: readonly SentinelAddress[];
  private readonly closing = new AbortController();
  private master: string | undefined;
  private running = false;

  constructor(
    options: RedisOptions,
    sentinels: readonly SentinelAddress[],
    private readonly onMoved: () => void,
  ) {
    this.#options = options;
    this.#sentinels = sentinels;
  }

  /** Starts with the first connection. Idempotent. */
  start(): void {
    if (this.running) return;
    this.running = true;
    void this.run();
  }

  /** All sentinels, beginning with the one that knew of the last move. */
  get addresses(): SentinelAddress[] {
    return [...this.#sentinels.slice(this.#at), ...this.#sentinels.slice(0, this.#at)];
  }

  close(): void {
    this.closing.abort();
  }

  private async run(): Promise<void> {
    const { Redis } = await loadIoredis();
    while (!this.closing.signal.aborted) {
      const client = new Redis(sentinelClient(this.#options, this.addresses[0]!));
      // Each failure also fails the question, which reports it.
      client.on('error', () => undefined);
      const hangUp = () => client.disconnect();
      this.closing.signal.addEventListener('abort', hangUp, { once: true });
      try {
        await client.connect();
        while (client.status === 'ready') await this.ask(client);
      } catch {
        this.#at = (this.#at + 1) % this.#sentinels.length;
      }
      this.closing.signal.removeEventListener('abort', hangUp);
      if (client.status !== 'end') client.disconnect();
      await sleep(systemClock, INTERVAL, this.closing.signal);
    }
  }

  private async ask(client: Redis): Promise<void> {
    const { name } = this.#options;
    const answer = (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name!)) as
      [host: string, port: string] | null;
    if (!answer) throw new Error(`This sentinel knows no master of the name ${name}`);
    const master = answer.join(' ');
    const moved = this.master !== undefined && this.master !== master;
    this.master = master;
    if (moved) this.onMoved();
    await sleep(systemClock, INTERVAL, this.closing.signal);
  }
}

function sentinelClient(options: RedisOptions, { host, port }: SentinelAddress): ClientOptions {
  const { sentinelUsername: username, sentinelPassword: password, sentinelTls: tls } = options;
  const given = Object.entries({ username, password, tls });
  return {
    host,
    port: port ?? 26_379,
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    lazyConnect: true,
    retryStrategy: null,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: PATIENCE,
    socketTimeout: PATIENCE,
    connectionName: 'nestjs-redis-streams:sentinel',
  };
}
