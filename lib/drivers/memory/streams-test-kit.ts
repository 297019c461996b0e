import { jsonCodec } from '../../core/codecs/json.codec.js';
import type { Codec } from '../../core/codecs/codec.js';
import type { DeadLetter } from '../../ports/dead-letters.js';
import type { Driver, DriverFactory } from '../../ports/driver.js';
import { whenOf, type DueTime } from '../../options/due-time.js';
import { type SettledEvent } from '../../core/run-events.js';
import { EventBus } from '../../core/event-bus.js';
import type { Metadata } from '../../core/message.js';
import { createRouter, type Route, type Router } from '../../core/routing.js';
import { turnEventLoop } from './event-loop.js';
import { ManualClock } from './manual-clock.js';
import { MemoryBroker, type Unfinished } from './broker/memory.broker.js';
import { memory } from './memory.driver.js';

// The real functions, also where a test replaces the global ones.
const { setTimeout, clearTimeout } = globalThis;

export interface StreamsTestKitOptions {
  /** The option `routes` of the application. @default each event type is its own stream */
  readonly routes?: readonly Route[];
  /** The option `codec` of the application. @default jsonCodec */
  readonly codec?: Codec;
  /** The option `keyPrefix` of the application. @default '' */
  readonly keyPrefix?: string;
  /** The time of all streams. @default a new one */
  readonly clock?: ManualClock;
}

/** A dead letter with its message, decoded as far as the codec can. */
export interface TestDeadLetter extends DeadLetter {
  /** Undefined where the entry cannot be decoded. */
  readonly eventType: string | undefined;
  /** Undefined where the entry cannot be decoded. */
  readonly payload: unknown;
}

/**
 * Streams for an application's unit tests: in memory, and in a time that the test moves.
 *
 * ```ts
 * const kit = new StreamsTestKit();
 * // imports: [StreamsModule.forRoot({ slots: kit.slots, group: 'test' })]
 * await kit.publish('order.process', { id: 1 });
 * await kit.idle();
 * expect(await kit.deadLetters()).toEqual([]);
 * ```
 */
export class StreamsTestKit {
  /** Fills one slot: `slots: { messageSource: kit.source }`. */
  readonly source: DriverFactory;
  /** The time of all streams, which `advance` moves. */
  readonly clock: ManualClock;
  /** Every settlement so far, oldest first. */
  readonly settled: SettledEvent[] = [];
  private readonly broker: MemoryBroker;
  private readonly connection: Driver;
  private readonly codec: Codec;
  private readonly route: Router;
  private readonly keyPrefix: string;

  constructor(options: StreamsTestKitOptions = {}) {
    this.clock = options.clock ?? new ManualClock();
    this.codec = options.codec ?? jsonCodec;
    this.route = createRouter(options.routes ?? []);
    this.keyPrefix = options.keyPrefix ?? '';
    this.broker = new MemoryBroker(this.clock);
    const driver = memory({ broker: this.broker });
    this.connection = driver.open({ events: new EventBus(), keyPrefix: this.keyPrefix });
    this.source = {
      ...driver,
      open: (context) => {
        context.events.on('settled', (event) => this.settled.push(event));
        return driver.open(context);
      },
    };
  }

  /** Fills all three slots. */
  get slots(): Readonly<Record<'messageSource' | 'stateStore' | 'deadLetterQueue', DriverFactory>> {
    const { source } = this;
    return { messageSource: source, stateStore: source, deadLetterQueue: source };
  }

  /** Publishes a message as a producer of the application would. @returns its id */
  async publish(
    eventType: string,
    payload: unknown,
    options: { readonly stream?: string; readonly metadata?: Metadata } & DueTime = {},
  ): Promise<string> {
    const { metadata } = options;
    const stream = options.stream ?? this.route(eventType);
    const fields = this.codec.encode({ stream, eventType, payload, ...(metadata && { metadata }) });
    const { source, delays } = this.connection;
    const when = whenOf(options);
    const [result] = when
      ? await delays!.schedule([{ stream, fields, when }])
      : await source.publish([{ stream, fields }]);
    if (result instanceof Error) throw result;
    return result!;
  }

  /**
   * Resolves when nothing can run without time moving on: all messages that the consumers may read
   * were read, and are settled, parked for a retry, or left pending. Messages of groups without a
   * consumer do not count.
   *
   * @param limit real time to wait, in milliseconds
   * @throws Error that names what is unfinished, after `limit`
   */
  async idle(limit = 5000): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<'expired'>((resolve) => {
      timer = setTimeout(() => resolve('expired'), limit);
    });
    try {
      while (!(await this.isQuiet())) {
        const event = await Promise.race([expired, this.nextChange()]);
        if (event === 'expired') throw new Error(complaint(this.broker.unfinished(), limit));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Dead letters, oldest first. @param stream @default all streams */
  async deadLetters(stream?: string): Promise<TestDeadLetter[]> {
    return this.broker
      .deadLetters(this.keyPrefix)
      .filter((letter) => stream === undefined || letter.stream === stream)
      .map((letter) => this.read(letter));
  }

  /**
   * Moves time on by `ms` milliseconds: due retries run, abandoned entries are taken over, and so
   * on.
   */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** More work may follow a settlement, so only a state that lasts for a while counts as quiet. */
  private async isQuiet(): Promise<boolean> {
    const { version } = this.broker;
    await turnEventLoop();
    return this.broker.unfinished().length === 0 && this.broker.version === version;
  }

  private async nextChange(): Promise<void> {
    if (this.broker.unfinished().length === 0) return;
    await new Promise<void>((resolve) => this.broker.onceChanged(resolve));
  }

  private read(letter: DeadLetter): TestDeadLetter {
    try {
      const eventType = this.codec.eventType(letter.fields, letter.stream);
      return { ...letter, eventType, payload: this.codec.decode(letter.fields).payload };
    } catch {
      return { ...letter, eventType: undefined, payload: undefined };
    }
  }
}

function complaint(unfinished: readonly Unfinished[], limit: number): string {
  const lines = unfinished.map(({ stream, group, ready, running }) => {
    const parts = [
      ...(running.length > 0 ? [`${running.length} not settled (${running.join(', ')})`] : []),
      ...(ready > 0 ? [`${ready} not read`] : []),
    ];
    return `- stream "${stream}", group "${group}": ${parts.join('; ')}`;
  });
  return [
    `Not idle after ${limit} ms. Does a handler never end, or wait for time that only ` +
      'advance() moves?',
    ...lines,
  ].join('\n');
}
