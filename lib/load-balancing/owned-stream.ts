import { StreamDisownedError } from '../core/errors/balancing.errors.js';
import type { StreamAssignment } from './stream-assignment.js';
import type { HeldStream } from '../core/held-stream.js';

/** A data stream that this consumer owns, from taking it until it is let go or lost. */
export class OwnedStream implements HeldStream {
  /** Name of the data stream. */
  readonly stream: string;
  /** Id of its assignment in the load balancer stream. */
  readonly id: string;
  /** What the producer wrote beside the name. */
  readonly info: Readonly<Record<string, unknown>>;
  /**
   * @internal The stream is being completed or given back: none of its messages begins any more.
   */
  leaving = false;
  /** @internal See {@link HeldStream.finishing}. */
  finishing?: boolean;
  /** @internal No message of the stream runs any more, and the server is being told. */
  ending = false;
  private readonly controller = new AbortController();

  /** @internal */
  constructor(
    assignment: StreamAssignment,
    /** Fencing token: greater than that of every owner before. */
    readonly token: number,
    /** @internal Engine time at which this consumer took it, in milliseconds. */
    readonly since: number,
  ) {
    this.stream = assignment.stream;
    this.id = assignment.id;
    this.info = assignment.info;
  }

  /** Aborts when this consumer owns the stream no longer. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** @internal */
  disown(): void {
    this.controller.abort(new StreamDisownedError(this.stream));
  }
}

/** All streams that one consumer owns, by name and by input. */
export class OwnedStreams implements Iterable<OwnedStream> {
  private readonly byName = new Map<string, OwnedStream>();
  private readonly ids = new Set<string>();

  get size(): number {
    return this.byName.size;
  }

  get(stream: string): OwnedStream | undefined {
    return this.byName.get(stream);
  }

  hasInput(id: string): boolean {
    return this.ids.has(id);
  }

  add(owned: OwnedStream): void {
    this.byName.set(owned.stream, owned);
    this.ids.add(owned.id);
  }

  /** @returns whether the stream was among them */
  remove(owned: OwnedStream): boolean {
    if (this.byName.get(owned.stream) !== owned) return false;
    this.ids.delete(owned.id);
    return this.byName.delete(owned.stream);
  }

  [Symbol.iterator](): Iterator<OwnedStream> {
    return this.byName.values();
  }
}
