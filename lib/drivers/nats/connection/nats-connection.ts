import type { Msg, MsgHdrs, NatsConnection as Client } from '@nats-io/transport-node';
import { systemClock, within } from '../../../core/clock.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import { triedFor } from '../../connections/first-connection.js';
import { NatsGivenUpError } from '../errors/nats-connection.errors.js';
import { connectError, permissionDenied, type Violation } from '../errors/typed-error.js';
import { addressOf } from './client-options.js';
import { concealedClient } from './concealed-client.js';
import { dial, Dialer } from './dialer.js';
import { JetStreamAccess } from './jetstream-access.js';
import { Listeners } from './listeners.js';
import { loadNats, type NatsPackages } from './nats-packages.js';
import type { CompletedNatsOptions } from './nats.options.js';
import type { RequestHow, Requests } from './requests.js';
import { isAtLeast } from './server-version.js';
import { ServerWatch } from './server-watch.js';
import { StatusFollower } from './status-follower.js';
import { UnderWay } from './under-way.js';

/** Longest wait for the last words to be sent when the driver closes, in milliseconds. */
const FAREWELL = 1000;

/**
 * The connection of one driver. Nothing waits in the client to be sent later: a call that comes while
 * no server is reached waits for `connectTimeout`, and fails as `not-sent`. A request whose
 * connection broke fails as `unknown` at once. Listeners are called after this object has changed.
 */
export class NatsConnection implements Requests {
  /** Called with each subject that the server has refused. */
  readonly onRefused = new Listeners<PermissionDeniedError>();
  readonly #options: CompletedNatsOptions;
  #packages: NatsPackages | undefined;
  #client: Client | undefined;
  private readonly watch: ServerWatch;
  private readonly dialer: Dialer;
  private readonly underWay = new UnderWay();
  private access: Promise<JetStreamAccess> | undefined;
  private closing: Promise<void> | undefined;
  private version: string | undefined;

  constructor(
    options: CompletedNatsOptions,
    private readonly events: EventBus,
  ) {
    this.#options = options;
    this.watch = new ServerWatch(events, () => addressOf(options));
    this.dialer = new Dialer({
      dial: () => this.dial(),
      onFailed: (error) => this.watch.failed(error),
    });
    this.watch.onDown.add((error) => this.underWay.fail(error));
  }

  /** Begins to connect. A call does so, too. */
  connect(): void {
    if (this.closing || this.#client) return;
    this.watch.begin();
    this.dialer.begin((client) => this.use(client));
  }

  /** The client, while a server is connected. Undefined: what it is told now may get lost. */
  get live(): Client | undefined {
    return this.watch.isUp ? this.#client : undefined;
  }

  get connected(): boolean {
    return this.watch.isUp;
  }

  /** How many connections of the driver's own are open. */
  get connections(): number {
    return this.watch.isUp && !this.#options.connection ? 1 : 0;
  }

  /** The client, once there was a connection. */
  get unwrapped(): unknown {
    return this.#client;
  }

  /** Most bytes of one message, headers included, as the server says. */
  get maxPayload(): number {
    return this.#client?.info?.max_payload ?? 1_048_576;
  }

  /** The error of each later call, where the connection was given up for good. */
  get failure(): NatsGivenUpError | undefined {
    return this.watch.hasEnded
      ? new NatsGivenUpError('using the connection', this.watch.lastError)
      : undefined;
  }

  /** Whether the server has this version, such as `2.12`, or a later one. False before the first connection. */
  atLeast(version: string): boolean {
    return isAtLeast(this.version, version);
  }

  /** Calls back when the connection is there again, or for the first time. Subscriptions are there again, too. */
  onReconnect(listener: () => void): () => void {
    return this.watch.onUp.add(listener);
  }

  /** Calls back when the connection was given up for good. */
  onGivenUp(listener: (error: NatsGivenUpError) => void): () => void {
    return this.watch.onEnded.add(listener);
  }

  /** Calls back when the connection broke: what was under way may be lost. */
  onDisconnect(listener: (error: Error) => void): () => void {
    return this.watch.onDown.add(listener);
  }

  /**
   * The client, once a server is connected. Use it at once: after another `await` it may be
   * disconnected.
   * @param action what the caller is about to do, for errors: `publishing`
   * @throws NatsConnectionError where no server is reached within `connectTimeout`, or the login is
   * refused; NatsGivenUpError, ClosedError, and the errors of a server that this driver cannot use
   */
  async client(action: string): Promise<Client> {
    const { connectTimeout } = this.#options;
    const deadline = systemClock.now() + connectTimeout;
    for (;;) {
      if (this.closing) throw new ClosedError('The connection to NATS');
      if (this.live) return this.live;
      const { hasEnded, lastError, refusal } = this.watch;
      if (hasEnded) throw new NatsGivenUpError(action, lastError);
      if (refusal !== undefined) throw connectError(refusal, action);
      const left = deadline - systemClock.now();
      if (left <= 0) throw this.tooLate(action, lastError);
      this.connect();
      await this.watch.news(left);
    }
  }

  /** JetStream of this connection. @throws JetStreamMissingError, and as {@link client} */
  async js(action = 'using JetStream'): Promise<JetStreamAccess> {
    if (!this.access) {
      const { connectTimeout } = this.#options;
      await this.client(action);
      this.access ??= JetStreamAccess.open(this, this.#client!, this.#packages!, connectTimeout);
      this.access.catch(() => (this.access = undefined));
    }
    return this.access;
  }

  /** Headers of the client, which are empty. Call it once there was a connection; also `inbox`. */
  headers(): MsgHdrs {
    return this.#packages!.transport.headers();
  }

  /** A new subject for answers. */
  inbox(): string {
    const { options } = this.#client as { options?: { inboxPrefix?: string } } & Client;
    return this.#packages!.transport.createInbox(options?.inboxPrefix);
  }

  /**
   * Sends a request and awaits its answer.
   * @throws NatsConnectionError, PermissionDeniedError, and as {@link client}
   */
  async request(
    action: string,
    subject: string,
    body?: Uint8Array | string,
    { timeout = this.#options.requestTimeout, headers }: RequestHow = {},
  ): Promise<Msg> {
    const client = await this.client(action);
    return this.answered(action, () =>
      client.request(subject, body, { timeout, ...(headers && { headers }) }),
    );
  }

  /** Resolves when the server has all that was sent before. */
  async flush(action = 'sending'): Promise<void> {
    const client = await this.client(action);
    return this.answered(action, () => client.flush());
  }

  /**
   * Sends messages that have no answers, and resolves when the server has all of them: they go over one
   * connection, also the question for it.
   * @param last the subject of one more message, without a body, which is answered: then all were handled
   * @throws NatsConnectionError, with the outcome `unknown` where that connection broke; and as {@link client}
   */
  async send(action: string, write: (client: Client) => void, last?: string): Promise<void> {
    const client = this.live ?? (await this.client(action));
    const { requestTimeout: timeout } = this.#options;
    await this.answered<unknown>(action, () => {
      write(client);
      return last === undefined ? client.flush() : client.request(last, undefined, { timeout });
    });
  }

  /** See {@link UnderWay.answered}. */
  answered<T>(action: string, ask: () => Promise<T>): Promise<T> {
    return this.underWay.answered(action, ask);
  }

  /** Ends the connection, after what was sent is on the server. One of the application stays open. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    const { live } = this;
    this.watch.close();
    await this.dialer.close();
    if (live)
      await within(
        systemClock,
        FAREWELL,
        live.flush().catch(() => undefined),
      );
    this.underWay.fail(new ClosedError('The connection to NATS'));
    if (!this.#options.connection) await this.#client?.close();
  }

  private async dial(): Promise<Client> {
    this.#packages = await loadNats();
    return dial(this.#options, this.#packages, () => this.watch.attempts);
  }

  private use(client: Client): void {
    const { watch, events } = this;
    const own = !this.#options.connection;
    if (this.closing) return own ? void client.close() : undefined;
    this.#client = concealedClient(client);
    watch.onUp.add(() => (this.version = client.info?.version));
    const onViolation = (violation: Violation): void =>
      this.onRefused.tell(permissionDenied(`using ${violation.subject}`, violation));
    void new StatusFollower({ client, own, watch, events, onViolation }).follow();
    if (client.info && !client.isClosed()) watch.works();
  }

  private tooLate(action: string, lastError: unknown): Error {
    const tried = triedFor(addressOf(this.#options), this.#options.connectTimeout);
    return connectError(lastError ?? new Error('there was no answer so far'), action + tried);
  }
}
