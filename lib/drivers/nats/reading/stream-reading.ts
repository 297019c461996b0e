import { systemClock } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import { ReadAnswers } from '../../connections/read-answers.js';
import { settledUpToOf, type Durables } from '../groups/durables.js';
import { locate, type Beginning, type FoundGroup, type Groups } from '../groups/groups.js';
import { isSameStream, type JsStream } from '../streams/js-stream.js';
import type { DurableReading } from './durable-reading.js';

/** The server is asked for the state of a durable this often at least, in milliseconds. */
const LOOK_EVERY = 60_000;

export interface StreamReadingOptions {
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
  readonly startId: string;
  readonly idleTimeout: number;
  readonly createGroup?: boolean;
  readonly groups: Groups;
  readonly durables: Durables;
  readonly events: EventBus;
  readonly main: DurableReading;
  /** Called when the stream can be read again. */
  readonly onFound: () => void;
}

/** One stream of a subscription: keeps its group in existence, and notes how far the group has come. */
export class StreamReading {
  readonly stream: string;
  readonly main: DurableReading;
  /** Whether the stream and its group can be found. */
  readonly found = new ReadAnswers();
  private js: JsStream | undefined;
  /** The stream before it was lost. */
  private before: JsStream | undefined;
  private told: string | undefined;
  private looking: Promise<void> | undefined;
  private lookAgain = false;
  private inspectedAt = systemClock.now();
  /** The sequence up to which the group had settled everything, at the last look. */
  private noted = 0;
  private stopped = false;

  constructor(private readonly options: StreamReadingOptions) {
    this.stream = options.stream;
    this.main = options.main;
  }

  /** @throws GroupNotFoundError, StreamNotFoundError where groups are not to be created */
  async open(): Promise<void> {
    const error = await this.find();
    if (!error) return;
    if (this.options.createGroup === false) throw error;
    this.tell(error);
  }

  stop(): void {
    this.stopped = true;
  }

  /** The server does not know the durable, or has another one by now. Looks for it at once. */
  lost(): void {
    this.main.active = false;
    this.look();
  }

  /** Call it from time to time. */
  tick(): void {
    if (!this.main.active) return this.look();
    const now = systemClock.now();
    if (this.main.wasActive || now - this.inspectedAt >= LOOK_EVERY) this.inspectNow();
  }

  /** Looks at the state of the durable at once. */
  inspectNow(): void {
    if (!this.main.active) return;
    this.main.wasActive = false;
    this.inspectedAt = systemClock.now();
    this.inspect().catch((error: unknown) => this.failed(error));
  }

  private look(): void {
    if (this.stopped) return;
    this.lookAgain = this.looking !== undefined;
    this.looking ??= this.find()
      .then((error) => error && this.tell(error))
      .catch((error: unknown) => this.failed(error))
      .finally(() => {
        this.looking = undefined;
        if (this.lookAgain) this.look();
      });
  }

  /** Returns why the stream cannot be read. */
  private async find(): Promise<Error | undefined> {
    const {
      stream,
      group,
      startId,
      idleTimeout,
      groups,
      createGroup: create = true,
    } = this.options;
    this.before ??= this.js;
    this.js = undefined;
    const before = this.before && { js: this.before, settledUpTo: this.noted };
    const ackWait = idleTimeout;
    const found = await groups.open({ stream, group, startId, ackWait, before, create });
    if (this.stopped) return undefined;
    if (found.word === 'deleted') return new GroupNotFoundError(stream, group, 'deleted');
    if (found.word === 'no-stream') return new StreamNotFoundError(stream);
    if (found.word === 'no-group') return new GroupNotFoundError(stream, group);
    this.use(found);
    return undefined;
  }

  private use({ js, info, made }: FoundGroup): void {
    const { before } = this;
    this.js = js;
    this.before = undefined;
    this.told = undefined;
    this.found.answered();
    this.noted = settledUpToOf(info);
    this.main.use(locate(js, this.options.group), info);
    const isOther = before !== undefined && !isSameStream(before.created, js.created);
    if (isOther) this.main.replaceHeld();
    if (made && (before || made.lostUpTo !== undefined)) this.tellRecreated(made, isOther);
    this.options.onFound();
  }

  private tellRecreated({ behind, lostUpTo }: Beginning, isOther: boolean): void {
    const { events, stream, group } = this.options;
    const isLost = isOther || lostUpTo !== undefined;
    events.emit('group-recreated', { stream, group, from: isLost ? '0' : String(behind) });
    if (!isLost) return;
    // Another stream of this name: none of its messages was handled.
    const upTo = String(Math.max(this.main.last, lostUpTo ?? 0));
    events.emit('data-loss-suspected', { stream, group, after: '0', upTo });
  }

  /** Looks whether others have changed the durable, and notes how far the group has come. */
  private async inspect(): Promise<void> {
    const { durables, groups, group } = this.options;
    const { main } = this;
    const info = await durables.info(main);
    if (this.stopped) return;
    if (typeof info !== 'object') return this.lost();
    main.know(info);
    if (this.js) main.know(await durables.lower(locate(this.js, group), info));
    const upTo = settledUpToOf(info);
    if (upTo === this.noted) return;
    this.noted = upTo;
    if (this.js) await groups.note(this.js, group, info);
  }

  private tell(error: Error): void {
    this.found.refused(error);
    if (this.told === error.message || this.stopped) return;
    this.told = error.message;
    this.before = undefined;
    this.js = undefined;
    const { events, stream, group, consumer } = this.options;
    events.emit('stream-unreadable', { stream, group, consumer, error });
  }

  private failed(error: unknown): void {
    if (error instanceof ClosedError || error instanceof ConnectionError || this.stopped) return;
    const { before } = this;
    this.tell(error as Error);
    // It is still the same consumer of the same stream.
    this.before = before;
  }
}
