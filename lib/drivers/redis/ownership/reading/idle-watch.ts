import { sleep, systemClock } from '../../../../core/clock.js';
import type { EventBus } from '../../../../core/event-bus.js';
import type { Commands } from '../../connection/commands.js';
import { BlockingReader } from '../../connection/blocking-reader.js';
import type { Connector } from '../../connection/connector.js';
import { isDemoted, isReply } from '../../errors/reply-errors.js';
import { streamsIn } from '../../resp/reply-parser.js';

/** Longest wait of one read, in milliseconds. */
const BLOCK = 5000;
const FOREVER = 2 ** 31 - 1;
/** Streams that become idle within this time are added to the watch together, in milliseconds. */
const TOGETHER = 10;
/**
 * Each read names all idle streams, which costs time in this process and on the server. Between two
 * reads there is a pause of 1 ms per this number of streams, so that a few busy streams do not keep
 * both occupied.
 */
const NAMED_PER_MS = 50;

/** Waits for entries of many idle streams at a time. */
export interface StreamWatch {
  /** Calls `onEntry` once, when there is an entry behind this id. A false alarm does no harm. */
  add(key: string, after: string, onEntry: () => void): void;
  remove(key: string): void;
  close(): Promise<void>;
}

interface Watched {
  readonly after: string;
  readonly onEntry: () => void;
}

export interface IdleWatchOptions {
  readonly connector: Connector;
  /** Wakes the blocked read from another connection. */
  readonly commands: Commands;
  readonly events: EventBus;
}

/**
 * One connection that blocks for all idle streams of a process, so that an idle stream costs no
 * command.
 */
export class IdleWatch implements StreamWatch {
  private readonly watched = new Map<string, Watched>();
  private readonly closing = new AbortController();
  private reader: BlockingReader | undefined;
  private loop: Promise<void> | undefined;
  /** Streams were added since the last read began. */
  private outdated = false;
  private waking: NodeJS.Timeout | undefined;
  private changed = new AbortController();

  constructor(private readonly options: IdleWatchOptions) {}

  add(key: string, after: string, onEntry: () => void): void {
    this.watched.set(key, { after, onEntry });
    this.outdated = true;
    this.loop ??= this.run();
    this.changed.abort();
    this.waking ??= setTimeout(() => {
      this.waking = undefined;
      // Ends the blocked read without a result. The next read names all streams.
      if (this.outdated) void this.reader?.wake();
    }, TOGETHER);
  }

  remove(key: string): void {
    // A read that is under way may still find an entry; it has no listener any more.
    this.watched.delete(key);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.changed.abort();
    clearTimeout(this.waking);
    await this.reader?.stop();
    await this.loop;
    await this.reader?.close();
  }

  private async run(): Promise<void> {
    const reader = new BlockingReader({
      ...this.options,
      role: 'reader',
      action: 'awaiting entries',
      block: BLOCK,
      // The key is not used on a cluster.
      key: () => '',
    });
    this.reader = reader;
    while (!this.closing.signal.aborted) {
      if (this.watched.size === 0) await this.nextChange();
      else {
        await this.readOnce(reader);
        await this.rest();
      }
    }
  }

  private async rest(): Promise<void> {
    const ms = Math.floor(this.watched.size / NAMED_PER_MS);
    if (ms > 0) await sleep(systemClock, ms, this.closing.signal);
  }

  private async readOnce(reader: BlockingReader): Promise<void> {
    try {
      if (!reader.isConnected) await reader.connected(FOREVER);
      if (this.closing.signal.aborted) return;
      const keys = [...this.watched.keys()];
      const ids = Array.from(this.watched.values(), ({ after }) => after);
      this.outdated = false;
      const limits = ['COUNT', 1, 'BLOCK', BLOCK, 'STREAMS'];
      const reply = await reader.request(['XREAD', ...limits, ...keys, ...ids]);
      for (const [key] of streamsIn(reply)) this.tell(key);
      reader.succeeded();
    } catch (error) {
      if (this.closing.signal.aborted) return;
      // One key that cannot be read makes the read of all streams fail. Each stream then finds out
      // for itself.
      if (reader.failed(error) === 'refused' && isReply(error) && !isDemoted(error)) {
        for (const key of [...this.watched.keys()]) this.tell(key);
      }
      await reader.pause();
    }
  }

  private tell(key: string): void {
    const watched = this.watched.get(key);
    this.watched.delete(key);
    watched?.onEntry();
  }

  private nextChange(): Promise<void> {
    this.changed = new AbortController();
    return sleep(systemClock, FOREVER, AbortSignal.any([this.changed.signal, this.closing.signal]));
  }
}

/** Interval between two looks at an idle stream, in milliseconds. */
const LOOK = 250;

/**
 * Looks at each idle stream again and again. On a cluster no blocking read waits for streams of
 * several slots.
 */
export class PollingWatch implements StreamWatch {
  private readonly timers = new Map<string, NodeJS.Timeout>();

  add(key: string, _after: string, onEntry: () => void): void {
    const look = (): void => {
      this.timers.delete(key);
      onEntry();
    };
    this.timers.set(key, setTimeout(look, LOOK * (0.8 + 0.4 * Math.random())));
  }

  remove(key: string): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
  }

  async close(): Promise<void> {
    for (const key of [...this.timers.keys()]) this.remove(key);
  }
}
