import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import { NatsConnectionError } from '../errors/nats-connection.errors.js';
import type { Streams } from '../streams/streams.js';
import type { Outgoing } from './outgoing.js';

/** Makes streams where they are missing, and remembers them until it has to forget them. */
export type StreamMaker = Pick<Streams, 'of' | 'forget'>;

/** Streams that are remembered. When there are more, all are asked for again. */
const MOST_KNOWN = 10_000;

/**
 * Holds messages of a stream back until there is a JetStream stream that stores them. A message
 * without one may find a subscriber of core NATS: then it has no answer, and is not stored.
 */
export class StreamGate {
  private readonly known = new Set<string>();
  /** Messages that wait for their stream. */
  private readonly waiting = new Map<string, Outgoing[]>();

  /** @param pass sends messages whose stream is there, in order */
  constructor(
    private readonly streams: StreamMaker,
    private readonly pass: (messages: readonly Outgoing[]) => void,
  ) {}

  /** Whether the message can be sent now. Otherwise it is sent later, in its order. */
  admits(one: Outgoing): boolean {
    if (this.known.has(one.message.stream)) return true;
    this.hold(one);
    return false;
  }

  /** The server had no stream for the message: it is sent again when the stream has been made. */
  missed(one: Outgoing): void {
    this.forget(one.message.stream);
    this.hold(one);
  }

  /** The stream may be gone: the next message asks for it. */
  forget(stream: string): void {
    if (this.known.delete(stream)) this.streams.forget(stream);
  }

  private hold(one: Outgoing): void {
    const { stream } = one.message;
    const others = this.waiting.get(stream);
    if (others) return void others.push(one);
    this.waiting.set(stream, [one]);
    void this.open(stream);
  }

  private async open(stream: string): Promise<void> {
    const failure = await this.streams.of(stream).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    const held = this.waiting.get(stream)!;
    this.waiting.delete(stream);
    // A producer may have no right but that to publish.
    if (failure && !(failure instanceof PermissionDeniedError)) {
      const error = notSent(failure);
      for (const { resolve } of held) resolve(error);
      return;
    }
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    this.known.add(stream);
    // Those that the server had no stream for come back one by one, and others may be between them.
    this.pass(held.toSorted((a, b) => a.number - b.number));
  }
}

/** None of the messages was sent, though the fate of the request about their stream may be unknown. */
const notSent = (error: Error): Error =>
  error instanceof ConnectionError && error.outcome === 'unknown'
    ? new NatsConnectionError('not-sent', 'publishing', error.cause)
    : error;
