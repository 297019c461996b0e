import type { NatsConnection as Client, Status } from '@nats-io/transport-node';
import type { EventBus } from '../../../core/event-bus.js';
import { isLoginRefused, isViolation, type Violation } from '../errors/typed-error.js';
import { BlockedLoop } from './blocked-loop.js';
import type { ServerWatch } from './server-watch.js';

export interface StatusFollowerOptions {
  readonly client: Client;
  /** Whether the connection is the driver's own. */
  readonly own: boolean;
  readonly watch: ServerWatch;
  readonly events: EventBus;
  /** Called when the server refuses a subject. */
  readonly onViolation: (violation: Violation) => void;
}

/** Follows what the client tells of its connection, until the client is closed. */
export class StatusFollower {
  /** The last error that the server named, until the connection is there again. */
  private said: Error | undefined;
  private leaving: string | undefined;
  private readonly loop = new BlockedLoop();

  constructor(private readonly options: StatusFollowerOptions) {}

  /** Resolves when the client is closed. */
  async follow(): Promise<void> {
    const { client, watch } = this.options;
    for await (const status of client.status()) this.see(status);
    this.loop.stop();
    watch.ended((await client.closed()) ?? this.said);
  }

  private see(status: Status): void {
    const { watch } = this.options;
    switch (status.type) {
      case 'disconnect':
        return this.broke();
      case 'reconnecting':
        watch.attempts++;
        return;
      case 'reconnect':
        this.said = this.leaving = undefined;
        return watch.works();
      case 'staleConnection':
        this.said = new Error('the server did not answer');
        return;
      case 'error':
        return this.heard(status.error);
      case 'ldm':
        return this.leave(status.server);
      default:
    }
  }

  private heard(error: Error): void {
    if (isViolation(error)) return this.options.onViolation(error);
    this.said = error;
    if (isLoginRefused(error)) this.options.watch.refused(error);
  }

  /** The server does not say why it closes a connection whose data is not read. */
  private broke(): void {
    const { watch, events, client } = this.options;
    watch.broke(this.said ?? new Error('the connection ended'));
    const blocked = this.loop.blockedFor;
    if (blocked === undefined) return;
    const { inMsgs, inBytes } = client.stats();
    events.emit('warning', {
      code: 'NATS_SLOW_CONSUMER',
      message:
        `This process read nothing from NATS for ${(blocked / 1000).toFixed(1)} s, and then its connection was closed, as the ` +
        `server does with a slow consumer (${inMsgs} messages and ${inBytes} bytes were read before). Let no ` +
        'handler keep the event loop busy for seconds: move that work to a worker thread.',
    });
  }

  /** The server is shut down soon. Its connection is given up where there are other servers. */
  private leave(server: string): void {
    const { client, own, events } = this.options;
    if (this.leaving === server) return;
    this.leaving = server;
    const message = `The NATS server ${server} is about to shut down (lame duck mode).`;
    events.emit('warning', { code: 'NATS_LAME_DUCK', message });
    if (own && client.getServers().length > 1) void this.leaveGently();
  }

  /** What was sent is on the server first. */
  private async leaveGently(): Promise<void> {
    const { client } = this.options;
    await client.flush().catch(() => undefined);
    await client.reconnect().catch(() => undefined);
  }
}
