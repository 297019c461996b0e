import { backoffDelay } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import { API_ERRORS, isReply } from '../errors/nats-reply.error.js';
import { NatsConnectionError } from '../errors/nats-connection.errors.js';
import type { Streams } from '../streams/streams.js';
import type { Outgoing } from './outgoing.js';

/** Makes streams where they are missing, and remembers them until it has to forget them. */
export type StreamMaker = Pick<Streams, 'of' | 'forget'>;

export interface StreamGateOptions {
  readonly streams: StreamMaker;
  /** Sends messages whose stream is there, in order. */
  readonly pass: (messages: readonly Outgoing[]) => void;
  /** For how long a stream is waited for that has no leader, in milliseconds. */
  readonly patience: number;
}

/** A stream that lost its leader has another one within seconds. */
const PAUSES = { type: 'exponential', delay: 25, maxDelay: 500, jitter: 0.5 } as const;

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

  constructor(private readonly options: StreamGateOptions) {}

  /** Whether the message can be sent now. Otherwise it is sent later, in its order. */
  admits(one: Outgoing): boolean {
    if (this.known.has(one.message.stream)) return true;
    this.hold(one);
    return false;
  }

  /**
   * The server had no stream for the message: none exists, or it has no leader. The message is sent again
   * when the stream is there.
   */
  missed(one: Outgoing): void {
    this.forget(one.message.stream);
    this.hold(one, one.missed > 1 ? backoffDelay(PAUSES, one.missed - 1) : 0);
  }

  /** The stream may be gone: the next message asks for it. */
  forget(stream: string): void {
    if (this.known.delete(stream)) this.options.streams.forget(stream);
  }

  private hold(one: Outgoing, pause = 0): void {
    const { stream } = one.message;
    const others = this.waiting.get(stream);
    if (others) return void others.push(one);
    this.waiting.set(stream, [one]);
    void this.open(stream, pause);
  }

  private async open(stream: string, pause: number): Promise<void> {
    if (pause > 0) await sleep(systemClock, pause);
    const failure = await this.made(stream);
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
    this.options.pass(held.toSorted((a, b) => a.number - b.number));
  }

  /** Resolves when the stream is there. Returns the error where it cannot be. */
  private async made(stream: string): Promise<Error | undefined> {
    const deadline = systemClock.now() + this.options.patience;
    for (let failed = 1; ; failed++) {
      try {
        await this.options.streams.of(stream);
        return undefined;
      } catch (error) {
        if (!isPassing(error) || systemClock.now() > deadline) return error as Error;
        await sleep(systemClock, backoffDelay(PAUSES, failed));
      }
    }
  }
}

/** The server has no leader for the stream, or for its streams. It does not answer for a while then. */
const isPassing = (error: unknown): boolean =>
  isReply(error, API_ERRORS.temporarilyUnavailable) ||
  (error instanceof ConnectionError && error.outcome === 'unknown');

/** None of the messages was sent, though the fate of the request about their stream may be unknown. */
const notSent = (error: Error): Error =>
  error instanceof ConnectionError && error.outcome === 'unknown'
    ? new NatsConnectionError('not-sent', 'publishing', error.cause)
    : error;
