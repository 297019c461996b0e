/** Which stream a notification is about. */
export interface StreamPayload {
  /** Name of the data stream. */
  readonly dataStreamName: string;
  /** Id of the entry in the load balancer stream. */
  readonly idInLbs: string;
}

interface About {
  /** Which stream the notification is about. */
  readonly payload: StreamPayload;
  /** What the producer wrote beside the name. */
  readonly info: Readonly<Record<string, unknown>>;
}

/** This consumer owns the stream now. */
export interface StreamAdded extends About {
  /** Tells the notifications apart. */
  readonly type: 'StreamAdded';
  /** Fencing token: greater than that of every owner before. */
  readonly token: number;
}

/** The stream has no owner any more: claim it, or leave it to other consumers. */
export interface StreamExpired extends About {
  /** Tells the notifications apart. */
  readonly type: 'StreamExpired';
}

/** This consumer does not own the stream any more. */
export interface StreamDisowned extends About {
  /** Tells the notifications apart. */
  readonly type: 'StreamDisowned';
  /**
   * `lost`: another consumer may own it already. `handed-over`: given to a consumer that owns
   * fewer.
   */
  readonly reason: 'lost' | 'handed-over';
}

/** The last notification. */
export interface StreamTerminated {
  /** Tells the notifications apart. */
  readonly type: 'StreamTerminated';
  /** Why, in words. */
  readonly reason: string;
  /** The error, where an error was the cause. */
  readonly error?: Error;
}

/** What a load balancer tells its consumer. */
export type StreamNotification = StreamAdded | StreamExpired | StreamDisowned | StreamTerminated;

export type StreamNotificationType = StreamNotification['type'];

/** Notifications that wait for one reader. */
class Queue implements AsyncIterator<StreamNotification, undefined> {
  private readonly items: StreamNotification[] = [];
  private readonly waiting: ((result: IteratorResult<StreamNotification, undefined>) => void)[] =
    [];
  private ended = false;

  constructor(private readonly onReturn: () => void) {}

  get size(): number {
    return this.items.length;
  }

  push(item: StreamNotification): void {
    const waiting = this.waiting.shift();
    if (waiting) waiting({ value: item, done: false });
    else this.items.push(item);
  }

  end(): void {
    this.ended = true;
    for (const waiting of this.waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<StreamNotification, undefined>> {
    const value = this.items.shift();
    if (value) return Promise.resolve({ value, done: false });
    if (this.ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  return(): Promise<IteratorResult<StreamNotification, undefined>> {
    this.items.length = 0;
    this.end();
    this.onReturn();
    return Promise.resolve({ value: undefined, done: true });
  }
}

/**
 * The notifications of one consumer. Until the first listener comes, they wait for it. After that
 * every listener hears what happens while it listens. The object can be iterated over, too.
 */
export class Notifications implements AsyncIterable<StreamNotification> {
  private readonly unheard: StreamNotification[] = [];
  private readonly listeners = new Set<Listener>();
  private readonly queues = new Set<Queue>();
  /** The first listener has come. */
  private heard = false;
  ended = false;

  /** The longest queue of notifications that were not read yet. */
  get waiting(): number {
    return Math.max(this.unheard.length, ...[...this.queues].map((queue) => queue.size));
  }

  push(notification: StreamNotification): void {
    if (this.ended) return;
    if (!this.heard) this.unheard.push(notification);
    for (const { onNext } of [...this.listeners]) onNext(notification);
    for (const queue of this.queues) queue.push(notification);
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const { onEnd } of [...this.listeners]) onEnd();
    for (const queue of this.queues) queue.end();
  }

  /** @returns a function that stops listening */
  listen(onNext: Listener['onNext'], onEnd: Listener['onEnd'] = () => undefined): () => void {
    const listener = { onNext, onEnd };
    this.listeners.add(listener);
    this.heard = true;
    for (const notification of this.unheard.splice(0)) onNext(notification);
    if (this.ended) onEnd();
    return () => void this.listeners.delete(listener);
  }

  [Symbol.asyncIterator](): AsyncIterator<StreamNotification, undefined> {
    const queue: Queue = new Queue(() => this.queues.delete(queue));
    this.heard = true;
    for (const notification of this.unheard.splice(0)) queue.push(notification);
    if (this.ended) queue.end();
    else this.queues.add(queue);
    return queue;
  }
}

interface Listener {
  readonly onNext: (notification: StreamNotification) => void;
  readonly onEnd: () => void;
}
